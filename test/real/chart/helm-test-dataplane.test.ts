/** `helm test` of a release without an agent on any node, both directions on: its tests, and what the registrar does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerOf } from '../../../src/status-page/status.ts';
import { at } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { inConsul } from '../registrar/dataplane-pods.ts';
import { placedPods } from '../registrar/placed-pods.ts';
import { startRelease } from './running-release.ts';

const POLICIES = ['the catalog sync', 'the registrar, with pods in dataplane mode', 'syncCatalog.toK8S'];
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'helm']);
const { api, consul, status, runTest } = await startRelease(scene, POLICIES, {
  syncCatalog: { toK8S: true, k8sWriteNamespace: 'from-consul', k8sPrefix: 'C-', toK8STag: 'shared' },
});

for (const [name, said] of Object.entries({
  injection: /^a pod in namespace default gets its sidecar$/m,
  sync: /^the Service default\/tandem-test-\S+ came to Consul, and went again$/m,
  'to-kubernetes': /^the service tandem-test-\S+ of Consul came to namespace from-consul, and went again$/m,
}))
  test(`helm test: ${name}`, async () => {
    const run = (await runTest(`tandem-test-${name}`)).container('test');
    assert.equal((await run.exited).code, 0, run.log());
    assert.match(run.log(), said);
  });

test('a pod that the webhook injects is in Consul, by its own container alone, and goes with it', async () => {
  const pods = placedPods(api, 'default');
  await pods.create('app-0');
  await inConsul(consul, 'app', ['default.app-0.app passing']);
  const pod = await api.admin.expect('GET', pods.path('app-0'));
  // The chart's pods are transparent unless they ask for something else.
  assert.equal(at(pod, 'spec', 'initContainers', 0, 'name'), 'consul-connect-redirect');
  const sidecar = at(pod, 'spec', 'initContainers', 1);
  assert.equal(at(sidecar, 'name'), 'consul-dataplane');
  assert.ok((at(sidecar, 'args') as string[]).includes('-addresses=127.0.0.1'));
  await pods.remove('app-0');
  await inConsul(consul, 'app', []);
});

test('the token of docs/install.md is enough: no part of the sync has failed', async () => {
  await eventually('all parts', async () => {
    const found = await status();
    for (const name of ['to-consul', 'to-kubernetes', 'registrar'] as const) {
      const { lastSuccess, lastFailure } = controllerOf(found, name) ?? assert.fail(name);
      assert.deepEqual([lastSuccess !== undefined, lastFailure], [true, undefined], name);
    }
  });
});
