/** Annotations of consul-k8s that do nothing here: a warning says so by name, instead of calling them unknown. */

const WRITTEN = 'is written by consul-k8s and not read here';
const PROBE = 'has no effect: the startup probe of the sidecar is the same for every pod';
const ACCESS_LOG = 'has no effect: access logs are the accessLogs of a proxy-defaults config entry';
const GATEWAY = 'has no effect: it is for gateways, which consul-k8s keeps running';
const PEERING = 'has no effect: it is for peering resources; set peerings up in Consul';
const OLD_SIDECAR = 'has no effect: there is no consul-sidecar container';

// control-plane/connect-inject/constants/annotations_and_labels.go; until 0.48 connect-inject/annotations.go.
const HINTS: Readonly<Record<string, string>> = {
  'connect-inject-managed-by': WRITTEN,
  'connect-k8s-version': WRITTEN,
  'consul-k8s-version': WRITTEN,
  'original-pod': WRITTEN,
  'redirect-traffic-config': WRITTEN,
  'connect-service-default-port': 'has no effect: name the port with connect-service-port',
  'connect-sync-period': 'has no effect: nothing is registered again by a timer',
  'consul-namespace': 'has no effect: namespaces are a feature of Consul Enterprise',
  'consul-sidecar-access-log-enabled': ACCESS_LOG,
  'consul-sidecar-access-log-path': ACCESS_LOG,
  'consul-sidecar-cpu-limit': OLD_SIDECAR,
  'consul-sidecar-cpu-request': OLD_SIDECAR,
  'consul-sidecar-memory-limit': OLD_SIDECAR,
  'consul-sidecar-memory-request': OLD_SIDECAR,
  'dual-stack': 'has no effect: the sidecar listens on the address family of the pod',
  'gateway-consul-service-name': GATEWAY,
  'gateway-kind': GATEWAY,
  'gateway-namespace': GATEWAY,
  'gateway-wan-address-source': GATEWAY,
  'gateway-wan-address-static': GATEWAY,
  'gateway-wan-port': GATEWAY,
  'mesh-gateway-container-port': GATEWAY,
  'peering-token': PEERING,
  'peering-version': PEERING,
  'service-ignore': 'has no effect on a pod: it is a label for Services',
  'service-metrics-endpoints':
    'has no effect: one endpoint is merged, by service-metrics-port and service-metrics-path',
  'sidecar-initial-probe-check-delay-seconds': PROBE,
  'sidecar-probe-check-timeout-seconds': PROBE,
  'sidecar-probe-failure-threshold': PROBE,
  'sidecar-probe-period-seconds': PROBE,
  'telemetry-collector': 'has no effect: there is no collector of HashiCorp',
};

/** Undefined for a name that is not one of consul-k8s's, or that works here, too. */
export function hintOfConsulK8s(name: string): string | undefined {
  return Object.hasOwn(HINTS, name) ? HINTS[name] : undefined;
}
