/** The webhook configuration and the rights of the chart, by its values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, renderChart } from '../harness/chart.ts';
import { startScene } from '../harness/scene.ts';

await startScene(['helm']);

async function entries(connectInject: object = {}, namespace = 'tandem'): Promise<readonly unknown[]> {
  const chart = await renderChart({ connectInject }, { name: 'tandem', namespace });
  return at(chart.one('MutatingWebhookConfiguration', 'tandem-webhook'), 'webhooks') as readonly unknown[];
}

test('policy, reinvocation and timeout are values of both entries', async () => {
  const manners = { failurePolicy: 'Ignore', reinvocationPolicy: 'Never', timeoutSeconds: 9 };
  for (const entry of await entries(manners))
    assert.deepEqual(Object.fromEntries(Object.keys(manners).map((key) => [key, at(entry, key)])), manners);
});

test('both entries keep away from the namespaces of the system and from that of the release', async () => {
  for (const entry of await entries({}, 'mesh')) {
    assert.deepEqual(at(entry, 'namespaceSelector', 'matchExpressions', 0), {
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn',
      values: ['kube-system', 'kube-public', 'kube-node-lease', 'mesh'],
    });
    assert.equal(at(entry, 'clientConfig', 'service', 'namespace'), 'mesh');
  }
});

test('a selector narrows both entries', async () => {
  const expression = { key: 'team', operator: 'Exists' };
  const namespaceSelector = { matchLabels: { mesh: 'yes' }, matchExpressions: [expression] };
  for (const entry of await entries({ namespaceSelector })) {
    assert.deepEqual(at(entry, 'namespaceSelector', 'matchLabels'), { mesh: 'yes' });
    assert.deepEqual(at(entry, 'namespaceSelector', 'matchExpressions', 2), expression);
  }
});

test('pods that do not ask are shown to the webhook only when they are injected by default', async () => {
  const conditions = async (values: object): Promise<readonly unknown[]> =>
    (await entries(values)).map((entry) =>
      (at(entry, 'matchConditions') as readonly unknown[]).map((condition) => at(condition, 'name')),
    );
  assert.deepEqual(await conditions({}), [['asks-for-injection', 'is-not-injected'], ['is-not-injected']]);
  assert.deepEqual(await conditions({ default: true }), [['is-not-injected'], ['is-not-injected']]);
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

test('the sync may read what is switched on, and write Events and its Lease', async () => {
  const rules = async (syncCatalog: object): Promise<readonly string[]> => {
    const chart = await renderChart({ syncCatalog });
    const found = ['ClusterRole', 'Role'].flatMap(
      (kind) => at(chart.one(kind, 'tandem-sync'), 'rules') as readonly Record<string, readonly string[]>[],
    );
    return found.map((rule) =>
      [rule['resources'], rule['resourceNames'] ?? [], rule['verbs']]
        .map((words) => words?.join(','))
        .join(' '),
    );
  };
  const always = [
    'services,nodes  list,watch',
    'endpointslices  list,watch',
    'events  create,patch',
    'leases tandem-sync get,update',
    'leases  create',
  ];
  assert.deepEqual((await rules({})).toSorted(), [...always, 'namespaces kube-system get'].toSorted());
  assert.deepEqual(
    (await rules({ ingress: { enabled: true }, owner: 'one' })).toSorted(),
    [...always, 'ingresses  list,watch'].toSorted(),
  );
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
  assert.equal(workloads.length, 4);
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

test('the heap of the sync leaves room below its memory limit', async () => {
  const chart = await renderChart();
  const container = at(chart.one('Deployment', 'tandem-sync'), 'spec', 'template', 'spec', 'containers', 0);
  const heap = Number(/--max-old-space-size=(\d+)/.exec(String(at(container, 'env', 0, 'value')))?.[1]);
  const limit = Number.parseInt(String(at(container, 'resources', 'limits', 'memory')), 10);
  assert.ok(heap > 0 && heap * 1.5 < limit);
});
