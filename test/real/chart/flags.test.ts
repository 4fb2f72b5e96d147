/** The arguments that the chart gives to the programs are flags that these have, with the values that they accept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syncCommand } from '../../../src/cli/sync-command.ts';
import { webhookCommand } from '../../../src/cli/webhook-command.ts';
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
  assert.deepEqual(
    changed('webhook').toSorted(),
    [
      ...certificate,
      'configEntries',
      'criticalUntilReady',
      'shutdownDelay',
      'transparentProxy',
      'redirection',
      'redirectImage',
    ].toSorted(),
  );
  // The names are those that the syncer before it gave by default.
  const sync = ['addK8sNamespaceSuffix', 'configEntries', 'consulHttpAddr', 'registrar', 'shutdownDelay'];
  assert.deepEqual(changed('sync').toSorted(), sync);
});

/** What a program reads from its arguments, of the flags that are expected. */
async function assertFlags(
  program: Program,
  values: object,
  expected: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { values: found, problems } = read(program, argumentsOf(await renderChart(values), program) ?? []);
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((flag) => [flag, found[flag]])), expected);
}

test('every value of the catalog reaches its flag', async () => {
  const chart = await renderChart({
    global: { logLevel: 'warn', owner: 'one' },
    syncCatalog: {
      default: false,
      k8sAllowNamespaces: ['a', 'b'],
      k8sDenyNamespaces: [],
      k8sTag: '',
      consulPrefix: 'p-',
      addK8SNamespaceSuffix: false,
      consulNodeName: 'node',
      clusterDomain: 'cluster.example',
      syncClusterIPServices: false,
      syncLoadBalancerEndpoints: true,
      nodePortSyncType: 'InternalOnly',
      ingress: { enabled: true, loadBalancerIPs: true, mode: 'add' },
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
    clusterDomain: 'cluster.example',
    syncClusteripServices: false,
    syncLbServicesEndpoints: true,
    nodePortSyncType: 'InternalOnly',
    enableIngress: true,
    ingressAddress: 'load-balancer',
    ingressMode: 'add',
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
      drainSeconds: 7,
      k8sAllowNamespaces: ['a', 'b'],
      k8sDenyNamespaces: ['c'],
      agentHttpPort: 1,
      agentGrpcPort: 2,
      overrideAuthMethodName: 'pods',
      serviceNames: 'container',
      serviceAccountCheck: 'warn',
      defaultExcludeNamespaces: ['build-*', 'lab'],
      envoyExtraArgs: '--log-level "debug"',
      logLevel: 'debug',
      shutdownDelay: 3,
      sidecarProxy: {
        kind: 'builtin',
        concurrency: 0,
        runAsUser: 1000650000,
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
    drainSeconds: 7,
    allowNamespaces: ['a', 'b'],
    denyNamespaces: ['c'],
    consulHttpPort: 1,
    consulGrpcPort: 2,
    consulAuthMethod: 'pods',
    serviceNames: 'container',
    serviceAccountCheck: 'warn',
    defaultInjectExcludeNamespaces: ['build-*', 'lab'],
    envoyExtraArgs: ['--log-level', 'debug'],
    logLevel: 'debug',
    shutdownDelay: 3,
    sidecarProxy: 'builtin',
    sidecarProxyConcurrency: 0,
    sidecarRunAsUser: 1000650000,
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

test('every value of the life of a sidecar reaches its flag, 0 and false among them', async () => {
  const lifecycle = {
    defaultEnabled: false,
    defaultEnableShutdownDrainListeners: false,
    defaultShutdownGracePeriodSeconds: 0,
    defaultStartupGracePeriodSeconds: 7,
    defaultGracefulPort: 20700,
    defaultGracefulShutdownPath: '/down',
    defaultGracefulStartupPath: '/up',
  };
  const values = { client: { enabled: false }, connectInject: { sidecarProxy: { lifecycle } } };
  await assertFlags('webhook', values, {
    enableSidecarProxyLifecycle: false,
    enableSidecarProxyLifecycleShutdownDrainListeners: false,
    sidecarProxyLifecycleShutdownGracePeriodSeconds: 0,
    sidecarProxyLifecycleStartupGracePeriodSeconds: 7,
    sidecarProxyLifecycleGracefulPort: 20700,
    sidecarProxyLifecycleGracefulShutdownPath: '/down',
    sidecarProxyLifecycleGracefulStartupPath: '/up',
  });
});

test('the chart leaves it to the kind of the sidecar how long it goes on', async () => {
  await assertFlags(
    'webhook',
    { client: { enabled: false } },
    { sidecarProxyLifecycleShutdownGracePeriodSeconds: undefined },
  );
});

test('the defaults of merged metrics reach their flags, in dataplane mode', async () => {
  const metrics = { defaultEnabled: true, defaultEnableMerging: true, defaultMergedMetricsPort: 20105 };
  await assertFlags(
    'webhook',
    { client: { enabled: false }, connectInject: { metrics } },
    { enableMetrics: true, enableMetricsMerging: true, mergedMetricsPort: 20105 },
  );
});

test('the user of what is added: none on OpenShift, unless it is given', async () => {
  const openshift = { openshift: { enabled: true } };
  for (const [global, runAsUser, expected] of [
    [{}, null, 5995],
    [{}, 'none', undefined],
    [{}, 6000, 6000],
    [openshift, null, undefined],
    [openshift, 'none', undefined],
    [openshift, 1000650000, 1000650000],
  ] as const)
    await assertFlags(
      'webhook',
      { global, connectInject: { sidecarProxy: { runAsUser } } },
      { sidecarRunAsUser: expected },
    );
});

test('an amount of 0 is an amount, and null is none', async () => {
  const requests = { cpu: 0, memory: '0' };
  const connectInject = { sidecarProxy: { resources: { requests, limits: { cpu: null, memory: null } } } };
  await assertFlags(
    'webhook',
    { connectInject },
    {
      sidecarProxyCpuRequest: '0',
      sidecarProxyMemoryRequest: '0',
      sidecarProxyCpuLimit: undefined,
      sidecarProxyMemoryLimit: undefined,
    },
  );
});

const ELSEWHERE = { server: { enabled: false }, client: { enabled: false } };

test('every value of Consul to Kubernetes reaches its flag', async () => {
  const syncCatalog = {
    toK8S: true,
    k8sPrefix: 'c-',
    k8sWriteNamespace: 'from-consul',
    toK8SMode: 'external-name',
    toK8SHealth: 'passing',
    allowClusterAddresses: true,
    clusterCIDRs: ['10.0.0.0/8', 'fd00::/64'],
    toK8SServices: ['shop-*', 'db'],
    toK8STag: 'shared',
    toK8SFilter: 'ServiceMeta.team == "a: b, #c"',
    k8sTag: 'here',
  };
  await assertFlags(
    'sync',
    { global: { domain: 'mesh.example', owner: 'one' }, syncCatalog },
    {
      toConsul: true,
      toK8s: true,
      k8sServicePrefix: 'c-',
      k8sWriteNamespace: 'from-consul',
      toK8sMode: 'external-name',
      toK8sHealth: 'passing',
      allowClusterAddresses: true,
      clusterCidrs: ['10.0.0.0/8', 'fd00::/64'],
      toK8sServices: ['shop-*', 'db'],
      toK8sTag: 'shared',
      toK8sFilter: 'ServiceMeta.team == "a: b, #c"',
      consulDomain: 'mesh.example',
      consulK8sTag: 'here',
      owner: 'one',
    },
  );
  const bare = { global: { owner: 'one' }, syncCatalog: { toK8S: true, toConsul: false } };
  await assertFlags('sync', bare, { toConsul: false, toK8s: true, k8sWriteNamespace: 'tandem' });
});

test('one name for the cluster reaches both programs', async () => {
  const values = { global: { owner: 'east' } };
  await assertFlags('sync', values, { owner: 'east' });
  await assertFlags('webhook', values, { owner: 'east' });
  await assertFlags('webhook', {}, { owner: undefined });
  const connectInject = { proxyMode: 'dataplane', serverAddresses: 'consul.example' };
  await assertFlags('webhook', { ...values, connectInject }, { owner: 'east' });
});

test('agent mode: the registrar asks the agents at the port that the pods use, and decides when a pod gets traffic', async () => {
  await assertFlags(
    'sync',
    { connectInject: { agentHttpPort: 18500 } },
    { registrar: true, agentHttpPort: 18500, toConsul: true },
  );
  await assertFlags('sync', { registrar: { enabled: false } }, { registrar: false });
  await assertFlags('webhook', {}, { criticalUntilReady: true });
  await assertFlags('webhook', { registrar: { enabled: false } }, { criticalUntilReady: false });
});

test('agent mode over TLS: pods, the registrar and the tests trust the CA, and ask for the name of the agents', async () => {
  const global = { datacenter: 'east', tls: { caCert: { secretName: 'consul-ca', secretKey: 'ca.pem' } } };
  const values = { global, connectInject: { agentTls: { enabled: true } } };
  await assertFlags('webhook', values, {
    consulTls: true,
    consulHttpPort: 8501,
    consulGrpcPort: 8503,
    consulTlsServerName: 'agent.east.consul',
    consulCaFile: '/etc/tandem/consul-ca/ca.pem',
  });
  await assertFlags('sync', values, {
    agentTls: true,
    agentHttpPort: 8501,
    agentTlsServerName: 'agent.east.consul',
    consulCaFile: '/etc/tandem/consul-ca/ca.pem',
    // It asks the servers, of which nothing is said.
    consulTlsServerName: undefined,
  });
  const chart = await renderChart(values);
  const container = (kind: string, name: string): unknown =>
    at(chart.one(kind, name), 'spec', 'template', 'spec', 'containers', 0);
  const ports = at(container('DaemonSet', 'tandem-client'), 'ports') as readonly Record<string, unknown>[];
  const onNode = ports.filter(({ protocol }) => protocol === undefined).map(({ hostPort }) => hostPort);
  assert.deepEqual(onNode, [8500, 8502, 8501, 8503, 8301, undefined]);
  const agentTls = { enabled: true, serverName: 'mine' };
  const named = { ...values, connectInject: { agentTls, agentHttpPort: 1, agentGrpcPort: 2 } };
  await assertFlags('webhook', named, { consulHttpPort: 1, consulGrpcPort: 2, consulTlsServerName: 'mine' });
  const alone = { ...values, server: { enabled: false }, client: { join: ['a'] } };
  await assertFlags('sync', alone, {
    consulHttpAddr: ['https://10.0.0.1:8501'],
    consulTlsServerName: 'agent.east.consul',
  });
});

test('without clients pods are in dataplane mode, with the servers of the chart, and the registrar is on', async () => {
  const values = { client: { enabled: false } };
  await assertFlags('webhook', values, {
    proxyMode: 'dataplane',
    consulServerAddresses: 'tandem-server-ready.tandem.svc',
    consulGrpcPort: 8502,
    consulTls: false,
  });
  await assertFlags('sync', values, { registrar: true, toConsul: true });
  await assertFlags(
    'sync',
    { ...values, syncCatalog: { enabled: false } },
    { registrar: true, toConsul: false, toK8s: false },
  );
});

test('dataplane mode with servers elsewhere: their name, port and TLS', async () => {
  const tls = { enabled: true, caCert: { secretName: 'consul-ca', secretKey: 'ca.pem' } };
  const values = {
    ...ELSEWHERE,
    global: { tls },
    externalServers: {
      enabled: true,
      hosts: ['consul.example'],
      grpcPort: 8503,
      tlsServerName: 'server.dc1.consul',
    },
  };
  const expected = {
    proxyMode: 'dataplane',
    consulServerAddresses: 'consul.example',
    consulGrpcPort: 8503,
    consulTls: true,
    consulTlsServerName: 'server.dc1.consul',
    consulCaFile: '/etc/tandem/consul-ca/ca.pem',
  };
  await assertFlags('webhook', values, expected);
  const deployment = (await renderChart(values)).one('Deployment', 'tandem-webhook');
  const [volume] = at(deployment, 'spec', 'template', 'spec', 'volumes') as readonly unknown[];
  assert.equal(at(volume, 'secret', 'secretName'), 'consul-ca');
  const several = { enabled: true, hosts: ['10.0.0.1', '10.0.0.2'] };
  await assertFlags(
    'webhook',
    { ...ELSEWHERE, externalServers: several, connectInject: { serverAddresses: 'consul.example' } },
    { proxyMode: 'dataplane', consulServerAddresses: 'consul.example', consulTls: false },
  );
});

test('the mode of the proxy can be said, whatever else is on', async () => {
  for (const proxyMode of ['agent', 'dataplane'])
    for (const client of [{ enabled: true }, { enabled: false }])
      await assertFlags('webhook', { client, connectInject: { proxyMode } }, { proxyMode });
});
