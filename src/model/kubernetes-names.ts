/** Annotations and labels of Kubernetes objects that more than one part reads or writes. */

/** Those of consul-k8s that Tandem understands. */
export const ANNOTATION_PREFIX = 'consul.hashicorp.com/';
/** Those of Tandem alone. */
export const OWN_PREFIX = 'tandem/';

/** A pair of meta, `service-meta-<key>`; on pods and on Services. */
export const META_PREFIX = 'service-meta-';

/** On pods, as annotation and as label: what Tandem has injected. */
export const STATUS = `${ANNOTATION_PREFIX}connect-inject-status`;
export const INJECTED = 'injected';

/** On Namespaces: the defaults of their pods. */
export const INJECT_LABEL = `${ANNOTATION_PREFIX}connect-inject`;
export const REDIRECT_LABEL = `${ANNOTATION_PREFIX}transparent-proxy`;

/** On Services, of consul-k8s: a boolean; true keeps the Service from naming its pods and from giving them its address. */
export const SERVICE_IGNORE_LABEL = `${ANNOTATION_PREFIX}service-ignore`;

/** On pods, as consul-k8s writes it: their traffic is redirected into the sidecar. */
export const REDIRECT_STATUS = `${ANNOTATION_PREFIX}transparent-proxy-status`;

/** On pods: what the redirector of the node is to redirect, `redirection/options.ts`. */
export const REDIRECT_ANNOTATION = `${OWN_PREFIX}redirect`;

/** On pods: the record of what was added; `uninject` and the registrar read it. */
export const RECORD_ANNOTATION = `${OWN_PREFIX}injected`;
/** On pods: public certificates, so that they need no object in every namespace. */
export const CA_ANNOTATION = `${OWN_PREFIX}consul-ca`;
/** On pods: which CAs of Consul they trust (`support/certificate-ids.ts`); they keep them for as long as they live. */
export const CA_ID_ANNOTATION = `${OWN_PREFIX}consul-ca-id`;

/** On objects made from a Consul service: the owner; without it, or with another owner, they are never changed or removed. */
export const OWNER_ANNOTATION = `${OWN_PREFIX}owner`;
/** On objects made from a Consul service: its name in Consul. */
export const SOURCE_ANNOTATION = `${OWN_PREFIX}consul-service`;

// Kubernetes, "Well-Known Labels, Annotations and Taints".
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** On an EndpointSlice: the Service that it belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
export const ZONE_LABEL = 'topology.kubernetes.io/zone';
export const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container';
/** On static pods. */
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
