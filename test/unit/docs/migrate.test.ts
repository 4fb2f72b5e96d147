/** docs/migrate.md leaves no difference out: every annotation of consul-k8s, every flag and value that it names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { annotations } from '../../../src/inject/annotations.ts';
import { hintOfConsulK8s } from '../../../src/inject/foreign-annotations.ts';
import { property } from '../../../src/support/json.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const text = read('docs/migrate.md');
const isNamed = (name: string): boolean => text.includes(`\`${name}\``);

// control-plane/connect-inject/constants/annotations_and_labels.go of consul-k8s, without the common prefix, and those of older
// versions, last.
const ANNOTATIONS = `
  connect-inject connect-inject-managed-by connect-inject-mount-volume connect-inject-status connect-k8s-version
  connect-service connect-service-default-port connect-service-port connect-service-upstreams consul-dns
  consul-envoy-proxy-concurrency consul-k8s-version consul-namespace consul-sidecar-access-log-enabled
  consul-sidecar-access-log-path consul-sidecar-user-volume consul-sidecar-user-volume-mount dual-stack
  enable-consul-dataplane-as-sidecar enable-metrics enable-metrics-merging enable-sidecar-proxy-lifecycle
  enable-sidecar-proxy-lifecycle-shutdown-drain-listeners envoy-extra-args gateway-consul-service-name gateway-kind
  gateway-namespace gateway-wan-address-source gateway-wan-address-static gateway-wan-port kubernetes-service
  merged-metrics-port mesh-gateway-container-port original-pod peering-token peering-version prometheus-ca-file
  prometheus-ca-path prometheus-cert-file prometheus-key-file prometheus-scrape-path prometheus-scrape-port
  proxy-config-map redirect-traffic-config service-ignore service-meta-* service-metrics-path service-metrics-port
  service-tags sidecar-initial-probe-check-delay-seconds sidecar-probe-check-timeout-seconds
  sidecar-probe-failure-threshold sidecar-probe-period-seconds sidecar-proxy-cpu-limit sidecar-proxy-cpu-request
  sidecar-proxy-lifecycle-graceful-port sidecar-proxy-lifecycle-graceful-shutdown-path
  sidecar-proxy-lifecycle-graceful-startup-path sidecar-proxy-lifecycle-shutdown-grace-period-seconds
  sidecar-proxy-lifecycle-startup-grace-period-seconds sidecar-proxy-liveness-failure-seconds
  sidecar-proxy-memory-limit sidecar-proxy-memory-request sidecar-proxy-startup-failure-seconds telemetry-collector
  transparent-proxy transparent-proxy-exclude-inbound-ports transparent-proxy-exclude-outbound-cidrs
  transparent-proxy-exclude-outbound-ports transparent-proxy-exclude-uids transparent-proxy-overwrite-probes
  transparent-proxy-status use-proxy-health-check prometheus.io/path prometheus.io/port prometheus.io/scrape
  service-metrics-endpoints connect-sync-period connect-service-protocol connect-service-tags
  consul-sidecar-cpu-limit consul-sidecar-cpu-request consul-sidecar-memory-limit consul-sidecar-memory-request
`;

test('every annotation of consul-k8s is said to be the same, different or unknown', () => {
  const names = ANNOTATIONS.trim().split(/\s+/);
  assert.equal(names.length, 84);
  assert.deepEqual(
    names.filter((name) => !isNamed(name)),
    [],
  );
});

test('every annotation of consul-k8s is read, or a warning says why not', () => {
  const names = ANNOTATIONS.trim()
    .split(/\s+/)
    .filter((name) => !/[*/]/.test(name));
  const isRead = (name: string): boolean => Object.hasOwn(annotations, name);
  assert.deepEqual(
    names.filter((name) => !isRead(name) && hintOfConsulK8s(name) === undefined),
    [],
  );
  assert.deepEqual(
    names.filter((name) => isRead(name) && hintOfConsulK8s(name) !== undefined),
    [],
  );
});

test('every annotation of a pod that Tandem shares with consul-k8s is there as well', () => {
  const [table = ''] = read('docs/annotations.md').split('## Upstreams');
  const own = [...table.matchAll(/^\| `([a-z-]+)(?:<key>)?`/gm)].map(([, name = '']) =>
    name.replace(/-$/, '-*'),
  );
  assert.ok(own.length >= 40);
  assert.deepEqual(
    own.filter((name) => !isNamed(name)),
    [],
  );
});

// The keys of its charts/consul/values.yaml, two levels deep; what makes pods of an operator's choice is one line each.
const VALUES: Readonly<Record<string, string>> = {
  global: `enabled name domain datacenter image imageK8S imageConsulDataplane imagePullPolicy imagePullSecrets logLevel logJSON
    recursors peering adminPartitions enablePodSecurityPolicies secretsBackend gossipEncryption tls enableConsulNamespaces
    acls argocd enterpriseLicense federation metrics generateManifests crds podSecurityContext openshift consulAPITimeout
    extraLabels trustedCAs experiments dualStack installK8sNetworkingCRDs`,
  externalServers:
    'enabled hosts httpsPort grpcPort tlsServerName useSystemRoots k8sAuthMethodHost skipServerWatch',
  server: `enabled logLevel replicas bootstrapExpect serverCert exposeGossipAndRPCPorts ports storage storageClass
    persistentVolumeClaimRetentionPolicy connect enableAgentDebug serviceAccount securityContext updatePartition
    disruptionBudget extraConfig extraVolumes extraContainers affinity tolerations topologySpreadConstraints nodeSelector
    priorityClassName extraLabels annotations exposeService service extraEnvironmentVars snapshotAgent auditLogs limits`,
  client: `enabled join dataDirectoryHostPath grpc nodeMeta exposeGossipPorts aclInit extraConfig extraVolumes tolerations
    nodeSelector affinity priorityClassName annotations extraLabels dnsPolicy hostNetwork updateStrategy`,
  syncCatalog: `enabled cleanupNodeOnRemoval image default priorityClassName toConsul toK8S k8sPrefix k8sAllowNamespaces
    k8sDenyNamespaces k8sSourceNamespace consulNamespaces addK8SNamespaceSuffix consulPrefix k8sTag consulNodeName
    syncClusterIPServices syncLoadBalancerEndpoints metrics ingress nodePortSyncType aclSyncToken nodeSelector affinity
    tolerations serviceAccount resources logLevel consulWriteInterval extraLabels annotations`,
  connectInject: `enabled replicas image default transparentProxy disruptionBudget apiGateway cni consulNode metrics
    envoyExtraArgs priorityClassName extraLabels annotations imageConsul logLevel serviceAccount resources failurePolicy
    namespaceSelector k8sAllowNamespaces k8sDenyNamespaces consulNamespaces nodeSelector affinity tolerations
    aclBindingRuleSelector overrideAuthMethodName aclInjectToken globalConfigACLToken sidecarProxy
    dataplaneAsSidecarInitContainer initContainer defaultEnableMerging defaultMergedMetricsPort concurrency lifecycle
    defaultStartupFailureSeconds defaultLivenessFailureSeconds`,
  dns: 'enabled enableRedirection type clusterIP annotations proxy',
  '': 'meshGateway ingressGateways terminatingGateways telemetryCollector prometheus webhookCertManager tests',
};

test('every value of consul-k8s is in the table of values', () => {
  const [, table = ''] = text.split('## Values of the chart');
  // A cell names several keys under what its first one stands in.
  const named = new Set<string>();
  for (const row of table.split('\n').filter((line) => line.startsWith('|')))
    for (const [, name = ''] of row.matchAll(/`([A-Za-z0-9.]+)…?`/g))
      for (const key of name.split('.')) named.add(key);
  for (const [part, keys] of Object.entries(VALUES))
    assert.deepEqual(
      keys
        .trim()
        .split(/\s+/)
        .filter((key) => !named.has(key)),
      [],
      part,
    );
});

test('every flag, and every value of the chart of which that is said, is there', () => {
  const flags = read('docs/flags.md');
  for (const [, flag = ''] of text.matchAll(/`(--[a-z0-9-]+)/g)) assert.ok(flags.includes(`\`${flag}`), flag);
  const values = parse(read('deploy/charts/tandem/values.yaml')) as unknown;
  const [, table = ''] = text.split('## Values of the chart');
  for (const row of table.split('\n').filter((line) => line.startsWith('| '))) {
    const [, theirs = '', ours = ''] = row.split('|').map((cell) => cell.trim());
    const cell = ours === 'the same' ? theirs : ours;
    const names = [...cell.matchAll(/`([A-Za-z0-9.]+)`/g)].map(([, name = '']) => name);
    const stem = (names[0] ?? '').split('.').slice(0, -1);
    for (const name of names) assert.ok(isValue(values, name, stem), `${name} in: ${row}`);
  }
});

function isValue(values: unknown, name: string, stem: readonly string[]): boolean {
  const has = (path: readonly string[]): boolean => {
    const parent = path.slice(0, -1).reduce((found: unknown, key) => property(found, key), values);
    return typeof parent === 'object' && parent !== null && (path.at(-1) ?? '') in parent;
  };
  const path = name.split('.');
  return has(path) || stem.some((_, index) => has([...stem.slice(0, stem.length - index), ...path]));
}
