/** The annotations that Tandem reads and writes on pods: the one table behind the parser, the warnings, and the docs. */
import {
  ANNOTATION_PREFIX,
  CA_ANNOTATION,
  CA_ID_ANNOTATION,
  DEFAULT_CONTAINER_ANNOTATION,
  OWN_PREFIX,
  RECORD_ANNOTATION,
  REDIRECT_ANNOTATION,
} from '../model/kubernetes-names.ts';
import { serviceAnnotations } from '../model/service-annotations.ts';
import type { JsonObject } from '../support/json.ts';

type Entry = {
  readonly value: string;
  readonly default: string;
  readonly meaning: string;
  /** Read only in this mode; in the other one the annotation is validated and has no effect. */
  readonly mode?: 'agent' | 'dataplane';
};

const EXCLUSION =
  'Denied on a pod that is not transparent by default; no effect with `transparent-proxy: "false"`.';

/** By name without the prefix; Tandem's own carry theirs. */
export const annotations = {
  'connect-inject': {
    value: 'boolean',
    default: '`--default-inject`, or on in a namespace that opted in',
    meaning: 'Whether the pod gets a sidecar.',
  },
  'connect-inject-status': {
    value: '`injected`',
    default: '',
    meaning:
      'Written by Tandem, as a label too. A pod that has it and a sidecar is left as it is; without a sidecar the pod is denied.',
  },
  'connect-service': {
    value:
      'service name: `[A-Za-z0-9][A-Za-z0-9_-]*`, at most 64 characters; or up to 16 names, separated by commas',
    default:
      '`--service-names`: the Kubernetes Service (dataplane mode), the ServiceAccount, or the first container',
    meaning:
      'Name of the service in Consul; with an auth method it must be that of the ServiceAccount (`--service-account-check`). `consul` and `…-sidecar-proxy` are reserved. Written by Tandem when absent. Several services: see below.',
  },
  'connect-service-port': {
    value: 'name of a container port, or 1-65535; with several services one for each, separated by commas',
    default: 'first TCP port of the first container',
    meaning:
      'Port that the sidecar forwards to: TCP only, and not one that the sidecar uses. Without any port the pod is a client only. Written by Tandem when absent.',
  },
  'connect-service-upstreams': {
    value: 'list of upstreams, separated by commas or white space',
    default: 'none',
    meaning: 'Services that the pod reaches on local ports; see the grammar below.',
  },
  'kubernetes-service': {
    value: 'name of a Service in the namespace of the pod',
    default: 'the Service that selects the pod; the oldest of several',
    meaning: 'Which Kubernetes Service names the pod in Consul, when `connect-service` is absent.',
    mode: 'dataplane',
  },
  'connect-service-protocol': {
    value: 'any',
    default: '',
    meaning: 'Consul no longer uses it; gives a warning. Use a service-defaults config entry.',
  },
  'service-tags': {
    value: 'comma list, `\\,` is a comma; no control characters',
    default: 'none',
    meaning: 'Tags of the service; `$POD_NAME` as a whole tag is the name of the pod.',
  },
  'connect-service-tags': {
    value: 'comma list, `\\,` is a comma; no control characters',
    default: 'none',
    meaning: 'Joined with `service-tags`; duplicates are dropped.',
  },
  'service-meta-<key>': {
    value:
      'text of at most 512 bytes, no control characters but tabs and line ends; key `[A-Za-z0-9_-]+`, at most 128 characters',
    default: 'none',
    meaning: 'Meta of the service and of its proxy; `$POD_NAME` as the whole value is the name of the pod.',
  },
  'envoy-extra-args': {
    value: 'shell words',
    default: '`--envoy-extra-args`',
    meaning: "Arguments to add to Envoy's command line. It replaces the flag, even if it is empty.",
  },
  'sidecar-proxy-cpu-request': {
    value: 'quantity',
    default: '`--sidecar-proxy-cpu-request`',
    meaning: 'CPU request of the sidecar, and in agent mode of its init container; an explicit `0` is kept.',
  },
  'sidecar-proxy-cpu-limit': {
    value: 'quantity',
    default: '`--sidecar-proxy-cpu-limit`',
    meaning: 'CPU limit of both.',
  },
  'sidecar-proxy-memory-request': {
    value: 'quantity',
    default: '`--sidecar-proxy-memory-request`',
    meaning: 'Memory request of both.',
  },
  'sidecar-proxy-memory-limit': {
    value: 'quantity',
    default: '`--sidecar-proxy-memory-limit`',
    meaning: 'Memory limit of both.',
  },
  'consul-envoy-proxy-concurrency': {
    value: 'whole number',
    default: '`--sidecar-proxy-concurrency`',
    meaning: 'Worker threads of Envoy. 0 means one per core.',
  },
  'connect-inject-mount-volume': {
    value: 'comma list of container names',
    default: 'none',
    meaning:
      'Mounts the shared volume at `/consul/connect-inject` in these containers, init containers or not. In agent mode every user can read `service.json`, `ca.pem` and, without an auth method, `envoy-bootstrap.json` there; only the user of the sidecar can read a file with a token. In dataplane mode it is empty.',
  },
  'consul-sidecar-user-volume': {
    value: 'JSON array of volumes',
    default: 'none',
    meaning: 'Volumes added to the pod for the sidecar.',
  },
  'consul-sidecar-user-volume-mount': {
    value: 'JSON array of volume mounts',
    default: 'none',
    meaning: 'Mounts added to the sidecar.',
  },
  'proxy-config-map': {
    value: 'JSON object of at most 16,384 characters, no control characters in it but tabs and line ends',
    default: 'none',
    meaning:
      "Settings to add to the proxy's configuration: `envoy_*`, timeouts, limits. Keys that Tandem writes itself are refused.",
  },
  'enable-metrics': {
    value: 'boolean',
    default: '`--enable-metrics`',
    meaning:
      "Adds Envoy's Prometheus listener, a container port `prometheus` for it unless the pod has one of that name, and the `prometheus.io/` annotations unless the user set them. Written by Tandem when the flag turned it on.",
  },
  'prometheus-scrape-port': {
    value: '1024-65535',
    default: '`--prometheus-scrape-port`',
    meaning: 'Port of the Prometheus listener. Written by Tandem when there is one.',
  },
  'prometheus-scrape-path': {
    value: 'path',
    default: '`--prometheus-scrape-path`',
    meaning: 'Path of the Prometheus listener.',
  },
  'enable-metrics-merging': {
    value: 'boolean',
    default: '`--enable-metrics-merging`',
    meaning: "Serves the application's metrics and those of Envoy on one port.",
    mode: 'dataplane',
  },
  'merged-metrics-port': {
    value: '1024-65535',
    default: '`--merged-metrics-port`',
    meaning: 'Port on which consul-dataplane serves the merged metrics to the Prometheus listener.',
    mode: 'dataplane',
  },
  'service-metrics-port': {
    value: 'name of a container port, or 1-65535',
    default: 'the port of the service',
    meaning: "Port of the application's metrics, for `enable-metrics-merging`.",
    mode: 'dataplane',
  },
  'service-metrics-path': {
    value: 'path, with or without a query',
    default: '`/metrics`',
    meaning: "Path of the application's metrics.",
    mode: 'dataplane',
  },
  'prometheus-ca-file': {
    value: 'absolute path',
    default: 'none',
    meaning:
      'TLS of the metrics port: CA that signed the certificate of Prometheus, a file in the sidecar (`consul-sidecar-user-volume-mount`). The certificate and the key of the port are needed too.',
    mode: 'dataplane',
  },
  'prometheus-ca-path': {
    value: 'absolute path',
    default: 'none',
    meaning: 'The same CA as a folder. Set one of the two.',
    mode: 'dataplane',
  },
  'prometheus-cert-file': {
    value: 'absolute path',
    default: 'none',
    meaning: 'TLS of the metrics port: its certificate.',
    mode: 'dataplane',
  },
  'prometheus-key-file': {
    value: 'absolute path',
    default: 'none',
    meaning: 'TLS of the metrics port: its key.',
    mode: 'dataplane',
  },
  'use-proxy-health-check': {
    value: 'boolean',
    default: 'false',
    meaning: "The pod is ready when Envoy's own health endpoint says so.",
    mode: 'dataplane',
  },
  'sidecar-proxy-startup-failure-seconds': {
    value: 'whole number',
    default: '0',
    meaning: 'Seconds after which a sidecar that does not start is restarted. 0 keeps the default.',
    mode: 'dataplane',
  },
  'sidecar-proxy-liveness-failure-seconds': {
    value: 'whole number',
    default: '0',
    meaning: 'Seconds after which a sidecar that does not answer is restarted. 0 means never.',
    mode: 'dataplane',
  },
  'enable-sidecar-proxy-lifecycle': {
    value: 'boolean',
    default: '`--enable-sidecar-proxy-lifecycle`',
    meaning: 'Drains the sidecar before it stops.',
    mode: 'dataplane',
  },
  'enable-sidecar-proxy-lifecycle-shutdown-drain-listeners': {
    value: 'boolean',
    default: '`--enable-sidecar-proxy-lifecycle-shutdown-drain-listeners`',
    meaning: 'Drains inbound listeners at shutdown.',
    mode: 'dataplane',
  },
  'sidecar-proxy-lifecycle-shutdown-grace-period-seconds': {
    value: 'whole number',
    default:
      '`--sidecar-proxy-lifecycle-shutdown-grace-period-seconds`: 0 for a native sidecar, 30 for a classic one',
    meaning: 'Seconds that the sidecar keeps running after SIGTERM.',
    mode: 'dataplane',
  },
  'sidecar-proxy-lifecycle-startup-grace-period-seconds': {
    value: 'whole number',
    default: '`--sidecar-proxy-lifecycle-startup-grace-period-seconds`',
    meaning: 'Seconds that the startup endpoint waits for Envoy.',
    mode: 'dataplane',
  },
  'sidecar-proxy-lifecycle-graceful-port': {
    value: '1024-65535',
    default: '`--sidecar-proxy-lifecycle-graceful-port`',
    meaning: 'Port of the lifecycle endpoints.',
    mode: 'dataplane',
  },
  'sidecar-proxy-lifecycle-graceful-shutdown-path': {
    value: 'path',
    default: '`--sidecar-proxy-lifecycle-graceful-shutdown-path`',
    meaning: 'Path of the shutdown endpoint.',
    mode: 'dataplane',
  },
  'sidecar-proxy-lifecycle-graceful-startup-path': {
    value: 'path',
    default: '`--sidecar-proxy-lifecycle-graceful-startup-path`',
    meaning: 'Path of the startup endpoint.',
    mode: 'dataplane',
  },
  'enable-consul-dataplane-as-sidecar': {
    value: 'boolean',
    default: '`--native-sidecar`',
    meaning:
      'Whether the sidecar of this pod is a native sidecar, in both modes. No effect on Kubernetes 1.28, except with `--native-sidecar=on`.',
  },
  'tandem/drain-seconds': {
    value: '0-86400',
    default: '`--drain-seconds` for a pod with a port, else 0',
    meaning:
      'Seconds between the deletion of the pod and the SIGTERM to its application, so that clients can switch to other pods: a `preStop` sleep on each container that has no `preStop`; at most a third of `terminationGracePeriodSeconds`. 0 turns it off.',
  },
  'transparent-proxy': {
    value: 'boolean',
    default: 'the label `transparent-proxy` of the namespace, else `--transparent-proxy`',
    meaning:
      'Redirects all TCP traffic of the pod into its sidecar, so that it reaches the mesh by the names and addresses of Kubernetes Services. Written by Tandem when a default turned it on.',
  },
  'transparent-proxy-status': {
    value: '`enabled`',
    default: '',
    meaning: 'Written by Tandem on a pod whose traffic is redirected.',
  },
  'transparent-proxy-overwrite-probes': {
    value: 'boolean',
    default: '`--transparent-proxy-overwrite-probes`',
    meaning:
      'Sends HTTP, gRPC and TCP probes, and HTTP hooks, through ports of the sidecar, so that the kubelet still reaches them.',
  },
  'transparent-proxy-exclude-inbound-ports': {
    value: 'comma list of ports, or names of container ports',
    default: 'none',
    meaning: `Ports that plain clients reach. ${EXCLUSION}`,
  },
  'transparent-proxy-exclude-outbound-ports': {
    value: 'comma list of ports',
    default: 'none',
    meaning: `Traffic to these ports is not redirected. ${EXCLUSION}`,
  },
  'transparent-proxy-exclude-outbound-cidrs': {
    value: 'comma list of IPv4 or IPv6 addresses or networks',
    default: 'none',
    meaning: `Traffic to these addresses is not redirected. ${EXCLUSION}`,
  },
  'transparent-proxy-exclude-uids': {
    value: 'comma list of user ids',
    default: 'none',
    meaning: `Traffic that these users send is not redirected. ${EXCLUSION}`,
  },
  'consul-dns': {
    value: 'boolean',
    default: '`--consul-dns-redirection`',
    meaning:
      'With transparent proxy in dataplane mode: the sidecar answers the DNS of the pod, and forwards other queries. While the Consul servers are down, no name resolves.',
  },
} as const satisfies Readonly<Record<string, Entry>>;

/** Annotations that consul-k8s treats as absent when they are empty, as a template without a value leaves them. */
export const absentWhenEmpty: ReadonlySet<string> = new Set<keyof typeof annotations>([
  'connect-service',
  'enable-consul-dataplane-as-sidecar',
  'enable-metrics',
  'enable-metrics-merging',
  'enable-sidecar-proxy-lifecycle',
  'enable-sidecar-proxy-lifecycle-shutdown-drain-listeners',
  'merged-metrics-port',
  'prometheus-ca-file',
  'prometheus-ca-path',
  'prometheus-cert-file',
  'prometheus-key-file',
  'prometheus-scrape-path',
  'prometheus-scrape-port',
  'service-metrics-path',
  'service-metrics-port',
  'sidecar-proxy-lifecycle-graceful-port',
  'sidecar-proxy-lifecycle-graceful-shutdown-path',
  'sidecar-proxy-lifecycle-graceful-startup-path',
  'sidecar-proxy-liveness-failure-seconds',
  'sidecar-proxy-startup-failure-seconds',
  'use-proxy-health-check',
]);

export type AnnotationName = Exclude<keyof typeof annotations, 'service-meta-<key>'>;

/** The key on the pod. */
export function annotationKey(name: string): string {
  return name.startsWith(OWN_PREFIX) ? name : `${ANNOTATION_PREFIX}${name}`;
}

/** The name of one of our keys in the table's form; undefined when the key is not ours. */
export function annotationName(key: string): string | undefined {
  if (key.startsWith(ANNOTATION_PREFIX)) return key.slice(ANNOTATION_PREFIX.length);
  return key.startsWith(OWN_PREFIX) ? key : undefined;
}

/** With these, Prometheus finds its targets, in the configuration that most people copy. */
const OF_PROMETHEUS = 'prometheus.io/';

/** Whether injection looks at an annotation or a label: Tandem's own, and those for other tools. */
export function isReadOrWritten(key: string): boolean {
  return (
    annotationName(key) !== undefined || key.startsWith(OF_PROMETHEUS) || key === DEFAULT_CONTAINER_ANNOTATION
  );
}

/**
 * The pod's annotations that are ours, by name, without the empty ones that count as absent. A pod has a handful of the fifty that are
 * read: one pass over them costs a fifth of fifty look-ups, each of which would have to build a key.
 */
export function ownAnnotations(present: JsonObject): ReadonlyMap<string, unknown> {
  const own = new Map<string, unknown>();
  for (const key of Object.keys(present)) {
    const name = annotationName(key);
    // `consul.hashicorp.com/tandem/x` is not `tandem/x`.
    if (name === undefined || annotationKey(name) !== key) continue;
    if (present[key] !== '' || !absentWhenEmpty.has(name)) own.set(name, present[key]);
  }
  return own;
}

/** The name by which its author knows it, with the right prefix. */
export function withoutPrefix(name: string): string {
  return name.startsWith(OWN_PREFIX) ? name.slice(OWN_PREFIX.length) : name;
}

/** Annotations that injection itself leaves on a pod, and that a copy of a pod may still have. */
export const leftByInjection: ReadonlySet<string> = new Set([
  RECORD_ANNOTATION,
  CA_ANNOTATION,
  CA_ID_ANNOTATION,
  REDIRECT_ANNOTATION,
]);

/** Names that the catalog sync reads on Services and nobody on pods. */
export const ofServices: readonly string[] = Object.keys(serviceAnnotations).filter(
  (name) => !Object.hasOwn(annotations, name),
);
