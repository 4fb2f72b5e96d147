/** The registrar with the rights of its ServiceAccount, through churn, replacement, restarts and outages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANNOTATION_PREFIX } from '../../../src/model/kubernetes-names.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { inConsul, writeStatus } from './dataplane-pods.ts';
import { assertInTime } from './in-time.ts';
import { placedPods } from './placed-pods.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
await api.createNamespace('mesh');
await startWebhook(scene, api, 'mesh', ['--proxy-mode=dataplane', '--owner=cluster1']);
const pods = placedPods(api, 'mesh');
await grantRights();
const credentials = { token: await api.serviceAccountToken('default', 'tandem-sync') };
const start = (flags: readonly string[] = []): Promise<TandemSync> =>
  startTandemSync(scene, { kubeconfig: () => api.kubeconfig(credentials) }, consul, [
    '--registrar',
    '--owner=cluster1',
    ...flags,
  ]);
let sync = await start();

/** What docs/registrar.md lists. */
async function grantRights(): Promise<void> {
  await api.admin.expect('POST', '/api/v1/namespaces/default/serviceaccounts', {
    metadata: { name: 'tandem-sync' },
  });
  const rbac = '/apis/rbac.authorization.k8s.io/v1/clusterrole';
  const readable = ['list', 'watch'];
  await api.admin.expect('POST', `${rbac}s`, {
    metadata: { name: 'tandem-sync' },
    rules: [
      { apiGroups: [''], resources: ['services', 'pods', 'nodes'], verbs: readable },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: readable },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
    ],
  });
  await api.admin.expect('POST', `${rbac}bindings`, {
    metadata: { name: 'tandem-sync' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'tandem-sync' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'tandem-sync' }],
  });
}

const passing = (...names: readonly string[]): readonly string[] =>
  names.map((name) => `mesh.${name}.app passing`);

/** These pods alone are in Consul, each with its service and its proxy, which are two writes. */
async function areWhole(...names: readonly string[]): Promise<void> {
  await inConsul(consul, 'app', passing(...names));
  await inConsul(
    consul,
    'app-sidecar-proxy',
    names.map((name) => `mesh.${name}.app-sidecar-proxy passing`),
  );
}

type Entry = {
  readonly ServiceID: string;
  readonly ServiceMeta: Readonly<Record<string, string>>;
  /** Another one when it was registered anew. */
  readonly CreateIndex: number;
};

async function entryOf(id: string): Promise<Entry | undefined> {
  const found = (await consul.call('GET', '/v1/catalog/service/app')) as readonly Entry[];
  return found.find(({ ServiceID }) => ServiceID === id);
}

/** Everything that Consul has on the synthetic nodes, with the index of its last change. */
async function everything(): Promise<string> {
  const nodes = ['k8s-cluster1-node-1', 'k8s-cluster1-node-2'];
  return JSON.stringify(
    await Promise.all(
      nodes.flatMap((node) => [
        consul.call('GET', `/v1/catalog/node-services/${node}`),
        consul.call('GET', `/v1/health/node/${node}`),
      ]),
    ),
  );
}

const STATUS = `${ANNOTATION_PREFIX}connect-inject-status`;

const withoutIndexes = (text: string): string => text.replace(/"(Create|Modify)Index":\d+/g, '');

test('a pod replaced under its name: the new instance stays, on the same node and on another', async () => {
  await pods.create('app-0');
  await inConsul(consul, 'app', passing('app-0'));
  for (const node of ['node-1', 'node-2', 'node-1']) {
    await pods.remove('app-0');
    const uid = await pods.create('app-0', { node });
    await eventually('the new pod', async () =>
      assert.equal((await entryOf('mesh.app-0.app'))?.ServiceMeta['pod-uid'], uid),
    );
    const [instance, ...others] = await inConsul(consul, 'app', passing('app-0'));
    assert.deepEqual([instance?.Node, others.length], [`k8s-cluster1-${node}`, 0]);
  }
});

test('who may patch a pod takes it out by its label, and changes nothing else of it', async () => {
  const patch = (metadata: object): Promise<unknown> =>
    api.admin.expect('PATCH', pods.path('app-0'), { metadata }, MERGE_PATCH);
  await areWhole('app-0');
  const before = await everything();
  await patch({
    annotations: {
      [`${ANNOTATION_PREFIX}connect-service`]: 'other',
      [`${ANNOTATION_PREFIX}service-tags`]: 'x',
    },
  });
  await patch({ labels: { [STATUS]: null } });
  await inConsul(consul, 'app', []);
  await patch({ labels: { [STATUS]: 'injected' } });
  await areWhole('app-0');
  assert.equal(withoutIndexes(await everything()), withoutIndexes(before));
});

test('evicted or completed: gone soon, although the pod is still there', async (context) => {
  for (const status of [{ phase: 'Failed', reason: 'Evicted' }, { phase: 'Succeeded' }]) {
    await pods.create('app-1');
    await inConsul(consul, 'app', passing('app-0', 'app-1'));
    await writeStatus(api, pods.path('app-1'), status);
    const begin = performance.now();
    await inConsul(consul, 'app', passing('app-0'));
    assertInTime(context, (performance.now() - begin) / 1000);
    await api.admin.expect('DELETE', `${pods.path('app-1')}?gracePeriodSeconds=0`);
  }
});

test('many pods end at once: all are gone soon after the last one', async (context) => {
  const names = Array.from({ length: 20 }, (_, index) => `many-${index}`);
  await Promise.all(names.map((name) => pods.create(name, { node: 'node-2' })));
  await inConsul(consul, 'app', passing('app-0', ...names));
  await Promise.all(names.map((name) => pods.remove(name)));
  const begin = performance.now();
  await inConsul(consul, 'app', passing('app-0'));
  const seconds = (performance.now() - begin) / 1000;
  assertInTime(context, seconds);
});

test('somebody removes an instance in Consul: it is soon back', async (context) => {
  const before = await entryOf('mesh.app-0.app');
  const begin = performance.now();
  await consul.call('PUT', '/v1/catalog/deregister', {
    Node: 'k8s-cluster1-node-1',
    ServiceID: 'mesh.app-0.app',
  });
  await eventually('another registration', async () => {
    const after = await entryOf('mesh.app-0.app');
    assert.ok(after !== undefined && after.CreateIndex !== before?.CreateIndex);
  });
  await inConsul(consul, 'app', passing('app-0'));
  const seconds = (performance.now() - begin) / 1000;
  assertInTime(context, seconds);
});

test('a restart with nothing changed writes nothing', async () => {
  await areWhole('app-0');
  const before = await everything();
  await sync.process.stop();
  sync = await start();
  await eventually('a comparison', async () => {
    assert.ok((await sync.controller('registrar'))?.lastSuccess);
  });
  assert.equal(await everything(), before);
  assert.doesNotMatch(await sync.metrics(), /^tandem_registrar_changes_total\{/m);
});

test('Consul away in the middle of churn: what is there stays, and one comparison repairs the rest', async () => {
  await pods.create('app-2');
  await inConsul(consul, 'app', passing('app-0', 'app-2'));
  await consul.process().stop('SIGKILL');
  await pods.remove('app-2');
  await pods.create('app-3');
  await eventually('a failed pass', async () =>
    assert.match(await sync.metrics(), /^tandem_registrar_failures_total\{.*\} [1-9]/m),
  );
  await consul.start();
  await inConsul(consul, 'app', passing('app-0', 'app-3'));
});

test('the API server away in the middle of churn: nothing is removed, and what changed meanwhile follows', async () => {
  await pods.remove('app-3');
  await areWhole('app-0');
  const before = await everything();
  await api.process().stop('SIGKILL');
  await eventually('a watch that cannot go on', async () =>
    assert.match(
      await sync.metrics(),
      /^tandem_kubernetes_watch_restarts_total\{kind="pods",cause="(?:unreachable|reset)"\} [1-9]/m,
    ),
  );
  assert.equal(await everything(), before);
  await api.restart();
  await pods.create('app-4');
  await areWhole('app-0', 'app-4');
  await pods.remove('app-4');
  await areWhole('app-0');
  assert.equal(await everything(), before);
});

test('what Consul refuses is an Event on the pod that says why', async () => {
  // A field of later versions than the one that runs here.
  const annotations = { 'connect-service-upstreams': 'db:5432?destination_port=http' };
  await pods.create('app-5', { annotations });
  const events = '/api/v1/namespaces/mesh/events?fieldSelector=involvedObject.name=app-5';
  const message = await eventually('an Event', async () => {
    const { items } = (await api.admin.expect('GET', events)) as unknown as {
      readonly items: readonly { readonly reason: string; readonly message: string }[];
    };
    const event = items.find(({ reason }) => reason === 'RefusedByConsul');
    assert.ok(event);
    return event.message;
  });
  assert.match(message, /Consul refused to register mesh\.app-5\.app-sidecar-proxy: .*DestinationPort/);
  await pods.remove('app-5');
});
