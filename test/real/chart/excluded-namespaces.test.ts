/** With injection by default and a webhook that is dead, the cluster can still bring back what it stands on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import { startApiServer } from '../harness/api-server.ts';
import { renderChart } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { applier, partsOf } from './apply-objects.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'helm']);
const api = await startApiServer(scene);
const OWNED = [
  'local-path-storage',
  'openebs',
  'gmp-system',
  'gke-managed-system',
  'openshift',
  'openshift-monitoring',
];
const ADDED = ['build-7', 'lab1'];
const OTHERS = ['shop', 'openebs-apps', 'my-openshift', 'lab12', 'build'];

const chart = await renderChart(
  { connectInject: { default: true, defaultExcludeNamespaces: ['build-*', 'lab?'] } },
  { name: 'tandem', namespace: 'tandem' },
);
for (const namespace of ['tandem', ...OWNED, ...ADDED, ...OTHERS]) await api.createNamespace(namespace);
await applier(api.admin)(partsOf(chart, 'webhook'));

async function create(namespace: string, annotations: object = {}): Promise<string> {
  const answer = await api.admin.request('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    metadata: { generateName: 'pod-', annotations },
    spec: { containers: [{ name: 'app', image: 'example/app' }] },
  });
  return answer.status === 201 ? 'taken' : String(property(answer.body, 'message'));
}

const WAITS = /failed calling webhook "pods\.inject\.tandem\.dev"/;

test('pods of namespaces that providers own, or a value names, do not wait for Tandem', async () => {
  await eventually('the webhook configuration is in force', async () =>
    assert.match(await create('shop'), WAITS),
  );
  for (const namespace of [...OWNED, ...ADDED]) assert.equal(await create(namespace), 'taken', namespace);
  for (const namespace of OTHERS) assert.match(await create(namespace), WAITS, namespace);
});

test('a pod that asks for its sidecar waits in those as well', async () => {
  for (const namespace of [...OWNED, ...ADDED])
    assert.match(await create(namespace, { 'consul.hashicorp.com/connect-inject': 'true' }), WAITS);
});
