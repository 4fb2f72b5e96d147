/** The webhook configuration and the rights of the chart, by its values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROVIDER_NAMESPACES } from '../../../src/inject/default-exclusion.ts';
import { at, renderChart } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

async function entries(connectInject: object = {}, namespace = 'tandem'): Promise<readonly unknown[]> {
  const chart = await renderChart({ connectInject }, { name: 'tandem', namespace });
  return at(chart.one('MutatingWebhookConfiguration', 'tandem-webhook'), 'webhooks') as readonly unknown[];
}

test('policy, reinvocation and timeout are values of every entry', async () => {
  const manners = { failurePolicy: 'Ignore', reinvocationPolicy: 'Never', timeoutSeconds: 9 };
  for (const entry of await entries(manners))
    assert.deepEqual(Object.fromEntries(Object.keys(manners).map((key) => [key, at(entry, key)])), manners);
});

test('every entry keeps away from the namespaces of the system and from that of the release', async () => {
  for (const entry of await entries({}, 'mesh')) {
    assert.deepEqual(at(entry, 'namespaceSelector', 'matchExpressions', 0), {
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn',
      values: ['kube-system', 'kube-public', 'kube-node-lease', 'mesh'],
    });
    assert.equal(at(entry, 'clientConfig', 'service', 'namespace'), 'mesh');
  }
});

test('config entries are checked beside pods, by the same certificate, and only where a Consul is known', async () => {
  const external = { enabled: true, hosts: ['consul.example'] };
  const alone = { global: off, connectInject: { enabled: true } };
  const certs = { secretName: 'mine', caBundle: 'Q0E=' };
  const chart = await renderChart({
    ...alone,
    externalServers: external,
    connectInject: { enabled: true, certs },
    configEntries: { failurePolicy: 'Fail', webhookTimeoutSeconds: 3 },
  });
  const [entry, ...others] = at(
    chart.one('ValidatingWebhookConfiguration', 'tandem-webhook'),
    'webhooks',
  ) as readonly unknown[];
  assert.deepEqual(others, []);
  assert.deepEqual(
    ['failurePolicy', 'timeoutSeconds', 'sideEffects'].map((key) => at(entry, key)),
    ['Fail', 3, 'None'],
  );
  assert.equal(at(entry, 'clientConfig', 'caBundle'), 'Q0E=');
  assert.equal(at(entry, 'clientConfig', 'service', 'path'), '/validate/config-entries');
  assert.equal((at(entry, 'rules', 0, 'resources') as readonly string[]).length, 13);
  const isOn = async (values: object): Promise<boolean> => {
    const { has } = await renderChart(values);
    return has('ValidatingWebhookConfiguration', 'tandem-webhook');
  };
  assert.deepEqual(await Promise.all([{}, alone, { configEntries: off }, { connectInject: off }].map(isOn)), [
    true,
    false,
    false,
    false,
  ]);
});

test('a selector narrows every entry', async () => {
  const expression = { key: 'team', operator: 'Exists' };
  const namespaceSelector = { matchLabels: { mesh: 'yes' }, matchExpressions: [expression] };
  for (const entry of await entries({ namespaceSelector })) {
    assert.deepEqual(at(entry, 'namespaceSelector', 'matchLabels'), { mesh: 'yes' });
    assert.deepEqual(at(entry, 'namespaceSelector', 'matchExpressions', 3), expression);
  }
});

test('pods that do not ask are shown to the webhook only when they are injected by default', async () => {
  const conditions = async (values: object): Promise<readonly unknown[]> =>
    (await entries(values)).map((entry) =>
      ((at(entry, 'matchConditions') ?? []) as readonly unknown[]).map((condition) => at(condition, 'name')),
    );
  const [asks, notExcluded] = [['asks-or-claims'], ['asks-claims-or-is-not-excluded']];
  assert.deepEqual(await conditions({}), [asks, asks, asks, [], [], []]);
  assert.deepEqual(await conditions({ default: true }), [notExcluded, notExcluded, notExcluded, [], [], []]);
});

test('a certificate of its own: files, the bundle as it is given, and no rights to make another', async () => {
  const certs = { secretName: 'mine', caBundle: 'Q0E=' };
  for (const entry of await entries({ certs })) assert.equal(at(entry, 'clientConfig', 'caBundle'), 'Q0E=');
  const chart = await renderChart({ connectInject: { certs } });
  assert.ok(!chart.has('Role', 'tandem-webhook'));
  assert.deepEqual(at(chart.one('ClusterRole', 'tandem-webhook'), 'rules'), [
    { nonResourceURLs: ['/version'], verbs: ['get'] },
  ]);
  const pod = at(chart.one('Deployment', 'tandem-webhook'), 'spec', 'template', 'spec');
  assert.equal(at(pod, 'volumes', 0, 'secret', 'secretName'), 'mine');
});

test('a certificate that the webhook makes: its own configuration, Secret and Lease by name', async () => {
  const chart = await renderChart();
  const named = (object: unknown): readonly unknown[] =>
    (at(object, 'rules') as readonly unknown[])
      .filter((rule) => at(rule, 'resources') !== undefined)
      .map((rule) => [at(rule, 'resources', 0), at(rule, 'resourceNames', 0), at(rule, 'verbs')]);
  assert.deepEqual(named(chart.one('ClusterRole', 'tandem-webhook')), [
    ['mutatingwebhookconfigurations', 'tandem-webhook', ['list', 'watch', 'patch']],
  ]);
  assert.deepEqual(named(chart.one('Role', 'tandem-webhook')), [
    ['secrets', 'tandem-webhook-tls', ['list', 'watch', 'update']],
    ['leases', 'tandem-webhook-tls', ['get', 'update']],
    ['secrets', undefined, ['create']],
    ['leases', undefined, ['create']],
  ]);
});

test('the owner of the cluster may be read where the pods need it and nobody says it', async () => {
  const rights = async (values: object): Promise<boolean> =>
    ruleTexts((await renderChart(values)).one('ClusterRole', 'tandem-webhook')).includes(CLUSTER);
  const dataplane = { connectInject: { proxyMode: 'dataplane', serverAddresses: 'consul.example' } };
  assert.deepEqual(
    [await rights(dataplane), await rights({ ...dataplane, global: owner }), await rights({})],
    [true, false, false],
  );
});

/** `<resources> <names> <verbs>` of every rule. */
function ruleTexts(role: unknown): readonly string[] {
  return (at(role, 'rules') as readonly Record<string, readonly string[]>[])
    .filter((rule) => rule['resources'] !== undefined)
    .map((rule) =>
      [rule['resources'], rule['resourceNames'] ?? [], rule['verbs']]
        .map((words) => words?.join(','))
        .join(' '),
    )
    .toSorted();
}

const READ_CATALOG = ['services,nodes  list,watch', 'endpointslices  list,watch'];
const INGRESSES = 'ingresses  list,watch';
const EVENTS = 'events  create,patch';
const PODS = 'pods  list,watch';
// Pods are called after the Services that select them, and are reached at their addresses.
const OF_REGISTRAR = 'pods,nodes,services  list,watch';
const CLUSTER = 'namespaces kube-system get';
// Where the addresses of the cluster are, so that nothing of Consul leads there.
const CIDRS = 'servicecidrs  list,watch';
const API_SERVER = ['services kubernetes list,watch', 'endpointslices kubernetes list,watch'];
const WRITE_SERVICES = 'services  create,patch,delete';
const WRITE_SLICES = 'endpointslices  create,patch,delete';
const ALSO_READ = [
  'services  list,watch,create,patch,delete',
  'endpointslices  list,watch,create,patch,delete',
];
const owner = { owner: 'one' };
const off = { enabled: false };

const syncRights: Readonly<
  Record<
    string,
    { readonly values: object; readonly cluster: readonly string[]; readonly write?: readonly string[] }
  >
> = {
  'as it comes': { values: {}, cluster: [...READ_CATALOG, PODS, EVENTS, CLUSTER] },
  'without the registrar': {
    values: { registrar: off },
    cluster: [...READ_CATALOG, EVENTS, CLUSTER],
  },
  'with Ingresses and a name for the cluster': {
    values: { global: owner, syncCatalog: { ingress: { enabled: true } } },
    cluster: [...READ_CATALOG, INGRESSES, PODS, EVENTS],
  },
  'the registrar alone': {
    values: { syncCatalog: off },
    cluster: [OF_REGISTRAR, EVENTS, CLUSTER],
  },
  'both directions and the registrar': {
    values: { global: owner, syncCatalog: { toK8S: true } },
    cluster: [...READ_CATALOG, CIDRS, PODS, EVENTS],
    write: [WRITE_SERVICES, WRITE_SLICES],
  },
  'from Consul and the registrar': {
    values: { client: off, syncCatalog: { toK8S: true, toConsul: false, ingress: { enabled: true } } },
    cluster: [OF_REGISTRAR, ...API_SERVER, CIDRS, EVENTS, CLUSTER],
    write: [WRITE_SERVICES, ALSO_READ[1] ?? ''],
  },
  'from Consul alone, with a name for the cluster': {
    values: { global: owner, connectInject: off, syncCatalog: { toK8S: true, toConsul: false } },
    cluster: ['nodes  list,watch', ...API_SERVER, CIDRS],
    write: [...ALSO_READ, EVENTS],
  },
  'from Consul alone, into the cluster too': {
    values: {
      global: owner,
      connectInject: off,
      syncCatalog: { toK8S: true, toConsul: false, allowClusterAddresses: true },
    },
    cluster: [],
    write: [...ALSO_READ, EVENTS],
  },
};

for (const [name, { values, cluster, write }] of Object.entries(syncRights))
  test(`the rights of the sync are those of what is switched on: ${name}`, async () => {
    const chart = await renderChart({ configEntries: off, ...values });
    assert.equal(chart.has('ClusterRole', 'tandem-sync'), cluster.length > 0);
    assert.equal(chart.has('ClusterRoleBinding', 'tandem-sync'), cluster.length > 0);
    if (cluster.length > 0)
      assert.deepEqual(ruleTexts(chart.one('ClusterRole', 'tandem-sync')), cluster.toSorted());
    assert.deepEqual(ruleTexts(chart.one('Role', 'tandem-sync')), [
      'leases  create',
      'leases tandem-sync get,update',
    ]);
    assert.equal(chart.has('Role', 'tandem-sync-to-k8s'), write !== undefined);
    if (write !== undefined)
      assert.deepEqual(ruleTexts(chart.one('Role', 'tandem-sync-to-k8s')), write.toSorted());
    for (const binding of chart.objects.filter(({ kind }) => kind?.endsWith('Binding')))
      if (binding.metadata.labels?.['app.kubernetes.io/component'] === 'sync')
        assert.deepEqual(at(binding, 'subjects'), [
          { kind: 'ServiceAccount', name: 'tandem-sync', namespace: 'tandem' },
        ]);
  });

test('budgets leave room for a drain, and are not made for a single replica', async () => {
  const two = await renderChart();
  const one = await renderChart({ connectInject: { replicas: 1 }, syncCatalog: { replicas: 1 } });
  for (const name of ['tandem-webhook', 'tandem-sync']) {
    assert.equal(at(two.one('PodDisruptionBudget', name), 'spec', 'minAvailable'), 1);
    assert.ok(!one.has('PodDisruptionBudget', name));
  }
});

test('every pod has resources, probes, no service links and no more rights than its account', async () => {
  const { objects } = await renderChart();
  const workloads = objects.filter(({ kind = '' }) =>
    ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind),
  );
  assert.equal(workloads.length, 5);
  for (const workload of workloads) {
    const pod = at(workload, 'spec', 'template', 'spec');
    assert.equal(at(pod, 'enableServiceLinks'), false);
    const container = at(pod, 'containers', 0);
    assert.equal(at(container, 'securityContext', 'readOnlyRootFilesystem'), true);
    for (const path of [['readinessProbe'], ['livenessProbe'], ['resources', 'requests', 'memory']])
      assert.ok(at(container, ...path), `${workload.metadata.name} ${path.join('.')}`);
    const account = at(pod, 'serviceAccountName') ?? at(pod, 'automountServiceAccountToken');
    assert.ok(account === false || account === workload.metadata.name);
  }
});

test('no program is started again because its node is too busy for its start', async () => {
  const chart = await renderChart();
  for (const name of ['tandem-webhook', 'tandem-sync']) {
    const container = at(chart.one('Deployment', name), 'spec', 'template', 'spec', 'containers', 0);
    const [startup, liveness] = [at(container, 'startupProbe'), at(container, 'livenessProbe')];
    assert.deepEqual(at(startup, 'httpGet'), at(liveness, 'httpGet'));
    assert.ok(Number(at(startup, 'periodSeconds')) * Number(at(startup, 'failureThreshold')) >= 120);
    assert.ok(Number(at(liveness, 'timeoutSeconds')) >= 5);
  }
});

test('the heap of the sync leaves room below its memory limit', async () => {
  const chart = await renderChart();
  const container = at(chart.one('Deployment', 'tandem-sync'), 'spec', 'template', 'spec', 'containers', 0);
  const heap = Number(/--max-old-space-size=(\d+)/.exec(String(at(container, 'env', 0, 'value')))?.[1]);
  const limit = Number.parseInt(String(at(container, 'resources', 'limits', 'memory')), 10);
  assert.ok(heap > 0 && heap * 1.5 < limit);
});

test('the class of the webhook comes with a quota that lets it run in its namespace', async () => {
  const quota = (await renderChart()).one('ResourceQuota', 'tandem-webhook');
  const pod = at((await renderChart()).one('Deployment', 'tandem-webhook'), 'spec', 'template', 'spec');
  assert.equal(at(pod, 'priorityClassName'), 'system-cluster-critical');
  assert.deepEqual(at(quota, 'spec', 'scopeSelector', 'matchExpressions', 0), {
    scopeName: 'PriorityClass',
    operator: 'In',
    values: ['system-cluster-critical'],
  });
  for (const priorityClassName of [null, 'important'])
    assert.ok(
      !(await renderChart({ connectInject: { priorityClassName } })).has('ResourceQuota', 'tandem-webhook'),
    );
});

test('a NetworkPolicy is a value: who reaches which port', async () => {
  const rules = async (part: 'webhook' | 'sync', networkPolicy: object): Promise<unknown> => {
    const key = part === 'webhook' ? 'connectInject' : 'syncCatalog';
    const chart = await renderChart({ [key]: { networkPolicy: { enabled: true, ...networkPolicy } } });
    const policy = chart.one('NetworkPolicy', `tandem-${part}`);
    const labels = at(chart.one('Deployment', `tandem-${part}`), 'spec', 'template', 'metadata', 'labels');
    assert.deepEqual(at(policy, 'spec', 'podSelector', 'matchLabels'), labels);
    assert.deepEqual(at(policy, 'spec', 'policyTypes'), ['Ingress']);
    return at(policy, 'spec', 'ingress');
  };
  const [controlPlane, prometheus] = [
    { ipBlock: { cidr: '10.0.0.0/28' } },
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } },
  ];
  assert.deepEqual(await rules('webhook', {}), [{ ports: [{ port: 'https' }] }]);
  assert.deepEqual(await rules('webhook', { apiServerFrom: [controlPlane], statusFrom: [prometheus] }), [
    { ports: [{ port: 'https' }], from: [controlPlane] },
    { ports: [{ port: 'status' }], from: [prometheus] },
  ]);
  assert.deepEqual(await rules('sync', {}), []);
  assert.deepEqual(await rules('sync', { statusFrom: [prometheus] }), [
    { ports: [{ port: 'status' }], from: [prometheus] },
  ]);
  const { objects } = await renderChart();
  assert.ok(objects.every(({ kind }) => kind !== 'NetworkPolicy'));
});

test('the namespaces that do not wait are those that the webhook leaves out', async () => {
  const [first] = await entries({ default: true });
  const expression = String(at(first, 'matchConditions', 0, 'expression'));
  const [, patterns = ''] = /matches\('\^\((.*)\)\$'\)/.exec(expression) ?? [];
  assert.deepEqual(
    patterns.split('|'),
    PROVIDER_NAMESPACES.map((pattern) => pattern.replace('*', '.*')),
  );
});
