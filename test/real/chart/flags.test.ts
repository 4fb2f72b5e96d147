/** The arguments that the chart gives to the programs are flags that these have, with the values that they accept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syncCommand } from '../../../src/cli/sync.ts';
import { webhookCommand } from '../../../src/cli/webhook.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';
import { valueSets } from './value-sets.ts';

await startScene(['helm']);

const programs = { webhook: webhookCommand, sync: syncCommand };
type Program = keyof typeof programs;

function read(program: Program, args: readonly string[]) {
  const { flags, check } = programs[program];
  const parsed = parseFlags(flags, args, {});
  return {
    values: parsed.values as Readonly<Record<string, unknown>>,
    problems: parsed.ok ? (check?.(parsed.values) ?? []) : parsed.problems,
  };
}

function argumentsOf(chart: Rendered, program: Program): readonly string[] | undefined {
  const deployment = chart.objects.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name?.endsWith(`-${program}`),
  );
  if (deployment === undefined) return undefined;
  const args = at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'args') as readonly string[];
  assert.equal(args[0], program);
  // The kubelet fills in the address of the node.
  return args.slice(1).map((word) => word.replace('$(HOST_IP)', '10.0.0.1'));
}

test('for every set of values the programs take their arguments', async () => {
  const seen = { webhook: 0, sync: 0 };
  for (const [name, values] of Object.entries(valueSets)) {
    const chart = await renderChart(values);
    for (const program of ['webhook', 'sync'] as const) {
      const args = argumentsOf(chart, program);
      if (args === undefined) continue;
      assert.deepEqual(read(program, args).problems, [], `${name}: ${program}`);
      seen[program] += 1;
    }
  }
  assert.ok(seen.webhook >= 5 && seen.sync >= 5);
});

test('a chart as it comes changes no more than it must', async () => {
  const chart = await renderChart();
  const changed = (program: Program): readonly string[] => {
    const { values } = read(program, argumentsOf(chart, program) ?? []);
    const { values: defaults } = read(program, []);
    return Object.keys(values).filter(
      (flag) => JSON.stringify(values[flag]) !== JSON.stringify(defaults[flag]),
    );
  };
  const certificate = ['tlsAuto', 'tlsAutoSecret', 'tlsAutoService', 'webhookConfiguration'];
  assert.deepEqual(changed('webhook').toSorted(), [...certificate, 'shutdownDelay'].toSorted());
  // The names that the syncer before it gave by default.
  assert.deepEqual(changed('sync').toSorted(), ['addK8sNamespaceSuffix', 'consulHttpAddr']);
});

test('every value of the catalog reaches its flag', async () => {
  const chart = await renderChart({
    global: { logLevel: 'warn' },
    syncCatalog: {
      default: false,
      k8sAllowNamespaces: ['a', 'b'],
      k8sDenyNamespaces: [],
      k8sTag: '',
      consulPrefix: 'p-',
      addK8SNamespaceSuffix: false,
      consulNodeName: 'node',
      owner: 'one',
      syncClusterIPServices: false,
      syncLoadBalancerEndpoints: true,
      nodePortSyncType: 'InternalOnly',
      ingress: { enabled: true, loadBalancerIPs: true },
      multiPort: 'per-port',
      notReady: 'omit',
      terminating: 'critical',
      policy: 'upsert-only',
      resync: 60,
      adopt: true,
      adoptNodes: ['x', 'y'],
      authMethod: 'login',
    },
  });
  const { values } = read('sync', argumentsOf(chart, 'sync') ?? []);
  const expected = {
    defaultSync: false,
    k8sAllowNamespaces: ['a', 'b'],
    k8sDenyNamespaces: [],
    consulK8sTag: '',
    consulServicePrefix: 'p-',
    addK8sNamespaceSuffix: false,
    consulNodeName: 'node',
    owner: 'one',
    syncClusteripServices: false,
    syncLbServicesEndpoints: true,
    nodePortSyncType: 'InternalOnly',
    enableIngress: true,
    ingressAddress: 'load-balancer',
    multiPort: 'per-port',
    notReady: 'omit',
    terminating: 'critical',
    policy: 'upsert-only',
    resync: 60,
    adopt: true,
    adoptNodes: ['x', 'y'],
    consulAuthMethod: 'login',
    logLevel: 'warn',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((flag) => [flag, values[flag]])), expected);
});

test('every value of the injection reaches its flag', async () => {
  const chart = await renderChart({
    global: { image: 'c:1', imageEnvoy: 'e:1', imageConsulDataplane: 'd:1' },
    connectInject: {
      default: true,
      nativeSidecar: 'on',
      k8sAllowNamespaces: ['a', 'b'],
      k8sDenyNamespaces: ['c'],
      agentHttpPort: 1,
      agentGrpcPort: 2,
      overrideAuthMethodName: 'pods',
      envoyExtraArgs: '--log-level "debug"',
      logLevel: 'debug',
      shutdownDelay: 3,
      sidecarProxy: {
        kind: 'builtin',
        resources: { requests: { cpu: '1m' }, limits: { cpu: '2m', memory: '99Mi' } },
      },
      initContainer: { resources: { requests: { memory: '3Mi' }, limits: { memory: null } } },
      metrics: { defaultEnabled: true, defaultPrometheusScrapePort: 9102, defaultPrometheusScrapePath: '/m' },
    },
  });
  const { values } = read('webhook', argumentsOf(chart, 'webhook') ?? []);
  const expected = {
    consulImage: 'c:1',
    envoyImage: 'e:1',
    dataplaneImage: 'd:1',
    defaultInject: true,
    nativeSidecar: 'on',
    allowNamespaces: ['a', 'b'],
    denyNamespaces: ['c'],
    consulHttpPort: 1,
    consulGrpcPort: 2,
    consulAuthMethod: 'pods',
    envoyExtraArgs: ['--log-level', 'debug'],
    logLevel: 'debug',
    shutdownDelay: 3,
    sidecarProxy: 'builtin',
    sidecarProxyCpuRequest: '1m',
    sidecarProxyCpuLimit: '2m',
    sidecarProxyMemoryLimit: '99Mi',
    initMemoryRequest: '3Mi',
    initMemoryLimit: undefined,
    enableMetrics: true,
    prometheusScrapePort: 9102,
    prometheusScrapePath: '/m',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((flag) => [flag, values[flag]])), expected);
});
