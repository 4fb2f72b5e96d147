/** What keeps a Consul service, or a part of it, out of Kubernetes. */

/** The closed vocabulary: metric label, log field, and reason of the Event where there is an object to put it on. */
export const toK8sProblemReasons = {
  'name-illegal':
    'the name has a control character, or no character that the name of a Service can have; there is no Service',
  'name-ambiguous': 'several services would get the same Service; there is none, or one of them has it',
  'name-taken': 'an object of this name belongs to someone else and is not touched',
  'no-dns-name': "neither the address nor Consul's DNS name can be an externalName; there is no Service",
  'special-address': 'an address that no endpoint may have, such as loopback; the instance is left out',
  'cluster-address':
    'an address or host name leads into the cluster or to the machine; the instance is left out',
  'host-name-address':
    'an endpoint cannot be a host name; the instance is left out beside those with an IP address',
} as const;

type ToK8sProblemReason = keyof typeof toK8sProblemReasons;

export type ToK8sProblem = {
  readonly reason: ToK8sProblemReason;
  /** Name in Consul. */
  readonly service: string;
  /** What was found, what holds instead, and the way to fix it, in one sentence without a full stop. */
  readonly message: string;
};
