/** Names, paths and ports of what is added to a pod; people's scripts and dashboards know them. */
import { LARGEST_PORT } from '../support/port.ts';
import { REDIRECT_CONTAINER } from '../redirection/pending-pod.ts';

export const DATA_VOLUME = 'consul-connect-inject-data';
export const DATA_PATH = '/consul/connect-inject';
export const CA_VOLUME = 'consul-connect-inject-ca';
export const CA_PATH = '/consul/tls';
export const TOKEN_VOLUME = 'consul-connect-inject-token';
export const TOKEN_PATH = '/consul/token';

export const INIT_CONTAINER = 'consul-connect-inject-init';
export const ENVOY_CONTAINER = 'consul-connect-envoy-sidecar';
export const DATAPLANE_CONTAINER = 'consul-dataplane';
export { REDIRECT_CONTAINER };

/** Inbound traffic of the mesh. */
export { INBOUND_PORT } from '../redirection/options.ts';
/**
 * Services of one pod. Each has a sidecar, whose ports are those of the first plus its position: fewer than 100, so
 * that they do not meet those of metrics, 20100 and 20200; and far more than people write.
 */
export const MOST_SERVICES = 16;
/** Envoy's admin interface, on the loopback address. */
export const ADMIN_PORT = 19000;
/** Where consul-dataplane serves its lifecycle endpoints when no flag says otherwise. */
export const DATAPLANE_DEFAULT_GRACEFUL_PORT = 20300;
/** consul-dataplane's own metrics, which no flag moves. */
export const DATAPLANE_METRICS_PORT = 20101;
/** Envoy's health endpoint in dataplane mode. */
export const READY_PORT = 21000;

/** The variables that hold in the spec what was decided at admission; the registrar reads it only there. */
export const REGISTRATION = 'TANDEM_REGISTRATION';
export const SERVICE_NAME_SOURCE = 'TANDEM_SERVICE_NAME_SOURCE';
export const KUBERNETES_SERVICE = 'TANDEM_KUBERNETES_SERVICE';

/**
 * The node of Consul, one without an agent, for the pods of one node of Kubernetes in dataplane mode. With the owner in
 * it, two clusters may have nodes of the same name, and it is never a `<node>-virtual` of consul-k8s.
 */
export function syntheticNodeName(owner: string, node: string): string {
  return `${syntheticNodePrefix(owner)}${node}`;
}

/** The prefix of all of them, for the policy of a token. */
export function syntheticNodePrefix(owner: string): string {
  return `k8s-${owner}-`;
}

/** UID of the injected containers, unless the operator says otherwise; a pod that runs as this user could read the sidecar's secrets. */
export const SIDECAR_UID = 5995;

/** UID of the container that waits for the redirector of the node: not the sidecar's, whose traffic is not redirected. */
export const REDIRECT_UID = 5996;

/** Between the name of an upstream and `HOST` or `PORT` in a variable of the author's containers. */
export const UPSTREAM_MARK = '_CONNECT_SERVICE_';

/** True for the name of every such variable, and hardly any other. */
export function isLikeUpstreamVariable(name: string): boolean {
  // For most names, only the last character is checked.
  return name.endsWith('T') && name.includes(UPSTREAM_MARK);
}

/** After the name of a ServiceAccount: the volume with its token, if it is not the pod's own. */
export const ACCOUNT_VOLUME = '-service-account';

/** Names that nothing of an author's can have. */
export const RESERVED_CONTAINERS: ReadonlySet<string> = new Set([
  INIT_CONTAINER,
  ENVOY_CONTAINER,
  DATAPLANE_CONTAINER,
  REDIRECT_CONTAINER,
]);
export const RESERVED_VOLUMES: ReadonlySet<string> = new Set([DATA_VOLUME, CA_VOLUME, TOKEN_VOLUME]);

/** Ports that the sidecar can listen on everywhere: below 1024 only root can, unless the sysctl says otherwise. */
export const UNPRIVILEGED_PORTS = { min: 1024, max: LARGEST_PORT };
export const UNPRIVILEGED_PORT_START = 'net.ipv4.ip_unprivileged_port_start';

/** Linux, MAX_ARG_STRLEN: 32 pages of 4 KiB for one argument or `NAME=value`. Nothing starts with a longer one. */
export const MAX_ARGUMENT_BYTES = 131_072;
