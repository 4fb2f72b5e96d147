/** What keeps a service of Consul, or a part of it, out of Kubernetes. */

/** The closed vocabulary: metric label, log field, and reason of the Event where there is an object to put it on. */
export const toK8sProblemReasons = {
  'name-illegal': 'nothing of the name can be in the name of a Service; there is no Service',
  'name-ambiguous': 'services of different names would get one Service; there is none, or another has it',
  'name-taken': 'the object of this name belongs to somebody else and is not touched',
  'no-dns-name': "neither the address nor Consul's DNS name can be an externalName; there is no Service",
  'special-address': 'an address that no endpoint may have, as loopback; the instance is left out',
  'cluster-address':
    'an address or host name leads into the cluster or to the machine; the instance is left out',
  'host-name-address':
    'an endpoint cannot be a host name; the instance is left out beside those with an IP address',
} as const;

export type ToK8sProblemReason = keyof typeof toK8sProblemReasons;

export type ToK8sProblem = {
  readonly reason: ToK8sProblemReason;
  /** Name in Consul. */
  readonly service: string;
  /** What was found, what holds instead, and the way to mend it, in one sentence without a full stop. */
  readonly message: string;
};
