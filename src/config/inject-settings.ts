/** The flags of injection, shared by the webhook and the offline injector, and the settings that they make. */
import { split } from 'shlex';
import {
  redirectWays,
  serviceNames,
  type InjectSettings,
  type NamespaceDefaults,
} from '../inject/settings.ts';
import type { Resolver } from '../inject/resolver.ts';
import { isUrlPath } from '../inject/annotation-reader.ts';
import { SIDECAR_UID, UNPRIVILEGED_PORTS } from '../inject/names.ts';
import { certificateIds } from '../support/certificate-ids.ts';
import { isIpAddress } from '../support/ip-address.ts';
import { parseWholeNumber } from '../support/text.ts';
import { ANY_COUNT } from '../inject/lifecycle-options.ts';
import { parseQuantity } from '../inject/quantity.ts';
import { clashingPorts, describeClash, sidecarPorts } from '../inject/sidecar-ports.ts';
import { notPossible } from '../inject/redirect.ts';
import { mayHoldSecret } from './consul-addresses.ts';
import { ownerName } from './sync-settings.ts';
import { boolean, integer, list, oneOf, parsed, string, type Parsed } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

const PORT = { min: 1, max: 65535 };

// A client of a Consul server learns nothing new while that server leaves, for 2 to 4 s on a busy machine: an Envoy
// behind it sends connections to a deleted pod for as long. A node drain often stops a server and a pod at once.
const DRAIN_SECONDS = 5;

export const injectFlags = {
  defaultInject: boolean('Inject pods that have no connect-inject annotation.', false),
  defaultInjectExcludeNamespaces: list(
    'Namespaces in which --default-inject does nothing, as patterns. They add to those of cloud providers (docs/annotations.md). A pod that asks for a sidecar still gets one.',
    'PATTERNS',
    [],
  ),
  allowNamespaces: list(
    'Namespaces whose pods may be injected. * means all, an empty list means none.',
    'NAMES',
    ['*'],
  ),
  denyNamespaces: list(
    'Namespaces whose pods are never injected. Overrides --allow-namespaces.',
    'NAMES',
    [],
  ),
  proxyMode: oneOf(
    'agent: the proxy uses the Consul agent on its node. dataplane: consul-dataplane uses the Consul servers.',
    ['agent', 'dataplane'],
    'agent',
  ),
  sidecarProxy: oneOf("Agent mode: Envoy, or Consul's built-in proxy.", ['envoy', 'builtin'], 'envoy'),
  consulImage: string(
    'Agent mode: image of the init container and of the built-in proxy.',
    'IMAGE',
    'hashicorp/consul:1.20.6',
  ),
  envoyImage: string('Agent mode: image of the sidecar.', 'IMAGE', 'envoyproxy/envoy:v1.36.4'),
  dataplaneImage: string(
    'Dataplane mode: image of the sidecar.',
    'IMAGE',
    'hashicorp/consul-dataplane:1.6.9',
  ),
  consulServerAddresses: parsed(
    'Dataplane mode: DNS name or address of the Consul servers.',
    'ADDRESS',
    'consul-server.consul.svc',
    serverHost,
  ),
  consulGrpcPort: integer(
    'gRPC port of the Consul agent on the node, or of the Consul servers in dataplane mode.',
    'PORT',
    8502,
    PORT,
  ),
  consulHttpPort: integer('Agent mode: HTTP port of the Consul agent on the node.', 'PORT', 8500, PORT),
  consulTls: boolean('Use TLS between the sidecar and Consul.', false),
  consulTlsServerName: string("Name that Consul's certificate must have.", 'NAME', undefined, {
    variables: ['CONSUL_TLS_SERVER_NAME'],
  }),
  consulCaPem: string("CA that signed Consul's certificate, as PEM text.", 'PEM', undefined),
  owner: parsed<string | undefined>(
    'Name of this cluster in Consul. Use the same value for `tandem sync`. Dataplane mode needs it for the node name of its pods; without it, `tandem webhook` uses the UID of the namespace kube-system. In agent mode the registrar needs it to find what pods left behind.',
    'NAME',
    undefined,
    ownerName,
  ),
  criticalUntilReady: boolean(
    'Agent mode: a pod is critical in Consul until it is ready in Kubernetes, which `tandem sync --registrar` must tell Consul. Without this flag, a pod gets traffic as soon as its sidecar listens.',
    false,
  ),
  consulAuthMethod: string(
    'ACL auth method of type kubernetes or jwt that pods use to log in to Consul.',
    'NAME',
    undefined,
  ),
  consulAuthAudience: string(
    'Audience of the tokens with which pods log in, as an auth method of type jwt requires it. Default: that of the API server.',
    'NAME',
    undefined,
  ),
  drainSeconds: integer(
    'Seconds between the deletion of a pod and the SIGTERM to its application, so that clients can switch to other pods (Kubernetes 1.30 or newer). 0 turns it off.',
    'SECONDS',
    DRAIN_SECONDS,
    { min: 0, max: 86_400 },
  ),
  serviceNames: oneOf(
    'Service name of a pod without connect-service: the Kubernetes Service that selects it (dataplane mode), its ServiceAccount (even with the annotation), or its first container. auto: the ServiceAccount if there is an auth method, else the Service, else the container.',
    serviceNames,
    'auto',
  ),
  serviceAccountCheck: oneOf(
    'With an auth method: what to do with a pod if its service name differs from its ServiceAccount.',
    ['deny', 'warn'],
    'deny',
  ),
  envoyExtraArgs: parsed(
    "Arguments to add to Envoy's command line, as shell words.",
    'WORDS',
    [] as readonly string[],
    shellWords,
  ),
  sidecarProxyConcurrency: integer('Worker threads of Envoy. 0 means one per core.', 'THREADS', 2, ANY_COUNT),
  enableSidecarProxyLifecycle: boolean('Dataplane mode: drain the sidecar before it stops.', true),
  enableSidecarProxyLifecycleShutdownDrainListeners: boolean(
    'Dataplane mode: drain inbound listeners at shutdown.',
    true,
  ),
  sidecarProxyLifecycleShutdownGracePeriodSeconds: integer(
    'Dataplane mode: how long the sidecar keeps running after SIGTERM. Default: 0 for a native sidecar, which outlives the application anyway, and 30 for a classic one.',
    'SECONDS',
    undefined,
    ANY_COUNT,
  ),
  sidecarProxyLifecycleStartupGracePeriodSeconds: integer(
    'Dataplane mode: how long the startup endpoint waits for Envoy.',
    'SECONDS',
    0,
    ANY_COUNT,
  ),
  sidecarProxyLifecycleGracefulPort: integer(
    'Dataplane mode: port of the lifecycle endpoints.',
    'PORT',
    20600,
    UNPRIVILEGED_PORTS,
  ),
  sidecarProxyLifecycleGracefulShutdownPath: parsed(
    'Dataplane mode: path of the shutdown endpoint.',
    'PATH',
    '/graceful_shutdown',
    urlPath,
  ),
  sidecarProxyLifecycleGracefulStartupPath: parsed(
    'Dataplane mode: path of the startup endpoint.',
    'PATH',
    '/graceful_startup',
    urlPath,
  ),
  sidecarRunAsUser: parsed<number | undefined>(
    'User and group of the added containers. none lets the cluster choose them, as OpenShift requires.',
    'UID',
    SIDECAR_UID,
    userOrNone,
  ),
  sidecarProxyCpuRequest: quantity('CPU request of the sidecar.', '20m'),
  sidecarProxyCpuLimit: quantity('CPU limit of the sidecar.', undefined),
  sidecarProxyMemoryRequest: quantity('Memory request of the sidecar.', '64Mi'),
  sidecarProxyMemoryLimit: quantity('Memory limit of the sidecar.', '256Mi'),
  initCpuRequest: quantity('CPU request of the init container.', '20m'),
  initCpuLimit: quantity('CPU limit of the init container.', undefined),
  initMemoryRequest: quantity('Memory request of the init container.', '64Mi'),
  initMemoryLimit: quantity('Memory limit of the init container.', '256Mi'),
  enableMetrics: boolean("Add Envoy's Prometheus listener and the scrape annotations to pods.", false),
  prometheusScrapePort: integer('Port of the Prometheus listener.', 'PORT', 20200, UNPRIVILEGED_PORTS),
  prometheusScrapePath: parsed('Path of the Prometheus listener.', 'PATH', '/metrics', urlPath),
  enableMetricsMerging: boolean(
    "Dataplane mode, with --enable-metrics: serve the application's metrics and Envoy's on one port.",
    false,
  ),
  // consul-dataplane, pkg/consuldp/metrics.go.
  mergedMetricsPort: integer(
    'Dataplane mode: port on which consul-dataplane serves the merged metrics to the Prometheus listener.',
    'PORT',
    20100,
    UNPRIVILEGED_PORTS,
  ),
  transparentProxy: boolean(
    'Redirect the traffic of pods into their sidecars unless the pod or its namespace sets transparent-proxy.',
    false,
  ),
  transparentProxyOverwriteProbes: boolean(
    'With transparent proxy: send the probes and hooks of the kubelet through ports of the sidecar.',
    true,
  ),
  redirection: oneOf(
    'With transparent proxy, who redirects the traffic of a pod. init: an init container with NET_ADMIN. node: the redirector of its node.',
    redirectWays,
    'init',
  ),
  redirectImage: string(
    'With transparent proxy: image of the container consul-connect-redirect, with sh and nft. Default: tandem:<version>.',
    'IMAGE',
    undefined,
  ),
  consulDnsRedirection: boolean(
    'With transparent proxy in dataplane mode: let the sidecar answer the DNS of pods (consul-dns).',
    false,
  ),
};

type InjectValues = FlagValues<typeof injectFlags>;

/** Settings that would deny every pod, or do nothing: Tandem says so once, at the start. */
export function injectFlagProblems(values: InjectValues): string[] {
  return [
    ...portClashes(values),
    ...aboveLimit('sidecar-proxy-cpu', values.sidecarProxyCpuRequest, values.sidecarProxyCpuLimit),
    ...aboveLimit('sidecar-proxy-memory', values.sidecarProxyMemoryRequest, values.sidecarProxyMemoryLimit),
    ...aboveLimit('init-cpu', values.initCpuRequest, values.initCpuLimit),
    ...aboveLimit('init-memory', values.initMemoryRequest, values.initMemoryLimit),
    ...(values.proxyMode === 'dataplane' && values.sidecarProxy === 'builtin'
      ? ['--sidecar-proxy=builtin is for --proxy-mode=agent; consul-dataplane runs Envoy']
      : []),
    ...(values.proxyMode === 'agent' && values.enableMetricsMerging
      ? ['--enable-metrics-merging is for --proxy-mode=dataplane; only consul-dataplane merges metrics']
      : []),
    ...(values.proxyMode === 'agent' && values.serviceNames === 'service'
      ? [
          '--service-names=service is for --proxy-mode=dataplane; in agent mode a pod registers itself and does not know its Service',
        ]
      : []),
    ...(values.proxyMode === 'agent' && values.consulDnsRedirection
      ? ['--consul-dns-redirection is for --proxy-mode=dataplane; only consul-dataplane answers DNS']
      : []),
    ...(values.transparentProxy
      ? notPossible({
          mode: values.proxyMode,
          sidecarProxy: values.sidecarProxy,
          sidecarUser: values.sidecarRunAsUser,
        }).map((why) => `--transparent-proxy: ${why}`)
      : []),
  ];
}

function portClashes(values: InjectValues): string[] {
  const settings = { mode: values.proxyMode, sidecarProxy: values.sidecarProxy };
  const metrics = values.enableMetrics
    ? { port: values.prometheusScrapePort, mergedPort: values.mergedMetricsPort }
    : undefined;
  const lifecycle = values.enableSidecarProxyLifecycle
    ? { gracefulPort: values.sidecarProxyLifecycleGracefulPort }
    : undefined;
  return clashingPorts(sidecarPorts(settings, metrics, lifecycle)).map(
    ([first, second]) =>
      `${describeClash(first, second)}; see --prometheus-scrape-port, --merged-metrics-port and --sidecar-proxy-lifecycle-graceful-port`,
  );
}

function aboveLimit(name: string, request: string | undefined, limit: string | undefined): string[] {
  if (request === undefined || limit === undefined) return [];
  if ((parseQuantity(request) ?? 0) <= (parseQuantity(limit) ?? 0)) return [];
  return [`--${name}-request=${request} is above --${name}-limit=${limit}`];
}

/** Offline there is no cluster to ask. */
export function ownerProblems({ proxyMode, owner }: Pick<InjectValues, 'proxyMode' | 'owner'>): string[] {
  return proxyMode === 'dataplane' && owner === undefined
    ? [
        '--proxy-mode=dataplane needs --owner, because the sidecar asks Consul for the node k8s-<owner>-<node>. The owner is in the log line "serving" of tandem webhook and tandem sync',
      ]
    : [];
}

/** What flags cannot say: it is read from the cluster or the process at the start. */
type Resolved = {
  readonly version: string;
  readonly nativeSidecar: boolean;
  readonly lacksNativeSidecar?: true;
  /** Whether the cluster has `preStop: {sleep}` (Kubernetes 1.30 or newer). */
  readonly preStopSleep: boolean;
  readonly ownNamespace: string | undefined;
  /** The owner of the cluster, when `--owner` does not name it. */
  readonly owner?: string;
  /** The DNS servers of its pods. */
  readonly resolver?: Resolver | undefined;
};

/** @throws Error in dataplane mode without an owner, which the caller has to find before */
export function injectSettings(
  values: InjectValues,
  { preStopSleep, resolver, owner: ofCluster, ...facts }: Resolved,
): InjectSettings {
  const owner = values.owner ?? ofCluster;
  const drainSeconds = preStopSleep ? values.drainSeconds : undefined;
  const shared = { ...sharedSettings(values, { version: facts.version, resolver }), ...facts, drainSeconds };
  if (values.proxyMode === 'agent') return { ...shared, mode: 'agent', owner };
  if (owner === undefined) throw new Error('dataplane mode has no owner');
  return { ...shared, mode: 'dataplane', owner };
}

/** For pods of a namespace that has labels of ours. */
export function withDefaults(
  settings: InjectSettings,
  { inject, transparentProxy }: NamespaceDefaults,
): InjectSettings {
  return {
    ...settings,
    ...(inject === undefined ? {} : { defaultInject: inject, defaultExclude: undefined }),
    ...(transparentProxy === undefined
      ? {}
      : { redirect: { ...settings.redirect, byDefault: transparentProxy, askedBy: 'namespace' } }),
  };
}

function sharedSettings(values: InjectValues, { version, resolver }: Pick<Resolved, 'version' | 'resolver'>) {
  return {
    allowNamespaces: values.allowNamespaces,
    denyNamespaces: values.denyNamespaces,
    defaultInject: values.defaultInject,
    defaultExclude: values.defaultInjectExcludeNamespaces,
    criticalUntilReady: values.criticalUntilReady,
    sidecarProxy: values.sidecarProxy,
    sidecarUser: values.sidecarRunAsUser,
    consulImage: values.consulImage,
    envoyImage: values.envoyImage,
    dataplaneImage: values.dataplaneImage,
    consul: {
      serverAddresses: values.consulServerAddresses,
      grpcPort: values.consulGrpcPort,
      httpPort: values.consulHttpPort,
      tls: values.consulTls,
      tlsServerName: values.consulTlsServerName,
      caCertificate: values.consulCaPem,
      caIds: certificateIds(values.consulCaPem ?? ''),
      authMethod: values.consulAuthMethod,
      authAudience: values.consulAuthAudience,
    },
    concurrency: values.sidecarProxyConcurrency,
    lifecycle: {
      enabled: values.enableSidecarProxyLifecycle,
      drainListeners: values.enableSidecarProxyLifecycleShutdownDrainListeners,
      shutdownGraceSeconds: values.sidecarProxyLifecycleShutdownGracePeriodSeconds,
      startupGraceSeconds: values.sidecarProxyLifecycleStartupGracePeriodSeconds,
      gracefulPort: values.sidecarProxyLifecycleGracefulPort,
      shutdownPath: values.sidecarProxyLifecycleGracefulShutdownPath,
      startupPath: values.sidecarProxyLifecycleGracefulStartupPath,
    },
    serviceNames: values.serviceNames,
    serviceAccountCheck: values.serviceAccountCheck,
    envoyExtraArgs: values.envoyExtraArgs,
    sidecarResources: {
      cpu: { request: values.sidecarProxyCpuRequest, limit: values.sidecarProxyCpuLimit },
      memory: { request: values.sidecarProxyMemoryRequest, limit: values.sidecarProxyMemoryLimit },
    },
    initResources: {
      cpu: { request: values.initCpuRequest, limit: values.initCpuLimit },
      memory: { request: values.initMemoryRequest, limit: values.initMemoryLimit },
    },
    metrics: values.enableMetrics,
    prometheusScrapePort: values.prometheusScrapePort,
    prometheusScrapePath: values.prometheusScrapePath,
    metricsMerging: values.enableMetricsMerging,
    mergedMetricsPort: values.mergedMetricsPort,
    redirect: {
      byDefault: values.transparentProxy,
      askedBy: 'flag',
      overwriteProbes: values.transparentProxyOverwriteProbes,
      way: values.redirection,
      image: values.redirectImage ?? `tandem:${version}`,
      dns: values.consulDnsRedirection,
      resolver,
    } as const,
  };
}

function quantity(doc: string, fallback: string | undefined) {
  return parsed(doc, 'QUANTITY', fallback, quantityOrNone);
}

/** `none` leaves the field out of the container. */
function quantityOrNone(text: string): Parsed<string | undefined> {
  if (text === 'none') return { ok: true, value: undefined };
  if (parseQuantity(text) !== undefined) return { ok: true, value: text };
  return { ok: false, expected: 'a Kubernetes quantity such as 100m or 64Mi, or "none"' };
}

// Kubernetes accepts any int64, Linux 32 bits, and the last of those values means "no change".
const MAX_USER = 2 ** 32 - 2;

/** Never root: the containers say that they run without it. */
function userOrNone(text: string): Parsed<number | undefined> {
  if (text === 'none') return { ok: true, value: undefined };
  const user = parseWholeNumber(text);
  if (user !== undefined && user >= 1 && user <= MAX_USER) return { ok: true, value: user };
  return { ok: false, expected: `a whole number from 1 to ${MAX_USER}, or "none"` };
}

/** With a port or a scheme every sidecar would fail at its start. consul-dataplane also takes `exec=<command>` (go-netaddrs). */
function serverHost(text: string): Parsed<string> {
  const isHost = /^[A-Za-z0-9_.-]+$/.test(text) || isIpAddress(text) || text.startsWith('exec=');
  return isHost
    ? { ok: true, value: text }
    : {
        ok: false,
        expected: 'a DNS name or an IP address; the port is that of --consul-grpc-port',
        secret: mayHoldSecret(text),
      };
}

function urlPath(text: string): Parsed<string> {
  return isUrlPath(text) ? { ok: true, value: text } : { ok: false, expected: 'a path such as /metrics' };
}

function shellWords(text: string): Parsed<readonly string[]> {
  try {
    return { ok: true, value: split(text) };
  } catch {
    return { ok: false, expected: 'a list of shell words with balanced quotes' };
  }
}
