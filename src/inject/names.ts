/** Names, paths and ports of what is added to a pod; people's scripts and dashboards know them. */

export const DATA_VOLUME = 'consul-connect-inject-data';
export const DATA_PATH = '/consul/connect-inject';
export const CA_VOLUME = 'consul-connect-inject-ca';
export const CA_PATH = '/consul/tls';
export const TOKEN_VOLUME = 'consul-connect-inject-token';
export const TOKEN_PATH = '/consul/token';

export const INIT_CONTAINER = 'consul-connect-inject-init';
export const ENVOY_CONTAINER = 'consul-connect-envoy-sidecar';
export const DATAPLANE_CONTAINER = 'consul-dataplane';

/** Inbound traffic of the mesh. */
export const INBOUND_PORT = 20000;
/** Envoy's health endpoint in dataplane mode. */
export const READY_PORT = 21000;

/** UID of the injected containers; a pod that runs as this user could read the sidecar's secrets. */
export const SIDECAR_UID = 5995;
