/** `helm test` of a release with agents on the nodes: each test succeeds, and fails when what it proves is not so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startRelease } from './running-release.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'helm']);
const { api, runTest, removeWebhook } = await startRelease(scene, ['the catalog sync'], {
  connectInject: { proxyMode: 'agent' },
  registrar: { enabled: false },
});

test('helm test proves the injection', async () => {
  const run = (await runTest('tandem-test-injection')).container('test');
  assert.equal((await run.exited).code, 0, run.log());
  assert.match(run.log(), /^a pod in namespace default gets its sidecar$/m);
});

test('helm test proves the sync, and leaves nothing behind', async () => {
  const run = (await runTest('tandem-test-sync')).container('test');
  assert.equal((await run.exited).code, 0, run.log());
  assert.match(run.log(), /^the Service default\/tandem-test-\S+ came to Consul, and went again$/m);
  const { items } = (await api.admin.expect('GET', '/api/v1/namespaces/default/services')) as unknown as {
    readonly items: readonly KubernetesObject[];
  };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['kubernetes'],
  );
});

test('the test of the injection fails when nothing is injected', async () => {
  await removeWebhook();
  await eventually('the API server forgets the webhook', async () => {
    const pod = await api.admin.expect('GET', '/api/v1/namespaces/tandem/pods/tandem-test-injection');
    const again = { metadata: { name: 'again' }, spec: { ...(pod['spec'] as object), nodeName: undefined } };
    await api.admin.request('DELETE', '/api/v1/namespaces/tandem/pods/again?gracePeriodSeconds=0');
    const created = await api.admin.expect('POST', '/api/v1/namespaces/tandem/pods', again);
    assert.ok(created);
    const run = (await runTest('again')).container('test');
    assert.equal((await run.exited).code, 1);
    assert.match(run.log(), /no sidecar: connect-inject-status is undefined/);
  });
});
