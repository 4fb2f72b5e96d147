/** What somebody should fix: the text of a refusal, a Warning Event or a report. */

export type Problem = {
  /** The annotation's full name, or the path of a field (`spec.containers[1].name`). */
  readonly at: string;
  /** What was found, what holds instead or was expected, and the way to fix it, in one sentence without a full stop. */
  readonly message: string;
};

/** What is wanted exists already and belongs to somebody else, so it is left alone; `at` is its id. */
export type Conflict = Problem & {
  /** Who wants it, as `Pod/<namespace>/<name>`. */
  readonly source: string;
};

/** The closed vocabulary of Services: reason of the Event, metric label, log field. */
export const problemReasons = {
  'unknown-annotation': 'an annotation looks like a misspelt one of Tandem; it has no effect',
  'unquoted-annotation': 'an annotation in a file is not a string; it is read as if it were in quotes',
  'annotations-no-map': 'the annotations in a file are a list or a text; none of them has an effect',
  'too-much-annotation': 'the Service has more annotations than are kept; some have no effect',
  'invalid-sync': 'service-sync is not a boolean; the default applies',
  'invalid-name': 'service-name cannot be used; the default name is used',
  'name-too-long': 'the name is longer than Consul can use; nothing is registered under it',
  'no-dns-label': 'the name is not a DNS label, so DNS may not answer for it; it is registered anyway',
  'reserved-name':
    "the name is that of Consul's servers or of sidecar proxies; nothing is registered under it",
  'points-into-consul':
    "an address is a name in the domain of Consul's DNS, which would be a loop; it is not registered",
  'points-at-itself': 'an address is the DNS name of the Service itself; it is not registered',
  'port-not-found': 'service-port is not a port of the Service; it is not registered',
  'no-node-port': 'no port of the NodePort Service has a nodePort; it is not registered',
  'no-external-name': 'an ExternalName Service without a name; it is not registered',
  'no-node-address': 'a node has no address of the wanted type and IP family; its instance is not registered',
  'no-node': 'endpoints of a NodePort Service name no node; nothing is registered for them',
  'port-not-in-slice': 'no EndpointSlice has the port; the Service is not registered',
  'other-ip-family': 'an address is of an IP family that the Service does not have; it is not registered',
  'ingress-without-host': 'an Ingress routes to the Service without a host; nothing is registered for that',
  'invalid-weight': 'service-weight cannot be used; the weight is 1',
  'invalid-tags': 'a tag of service-tags holds a control character; it is left out',
  'invalid-meta': 'a service-meta annotation cannot be used; it is left out',
  'too-much-meta': 'Consul takes 64 pairs of meta; the rest is left out',
  'name-clash': 'several Services have the same name in Consul; all are registered',
  'id-taken': 'Consul has an instance of another owner under this id; it is not touched',
} as const;

type ProblemReason = keyof typeof problemReasons;

export type ServiceProblem = Problem & { readonly reason: ProblemReason };
