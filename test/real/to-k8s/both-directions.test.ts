/** Both directions at once: what came from one side never goes back to it, and after settling nothing is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { NAMESPACE, SERVICES, SLICES, startToK8sScene } from './write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, addresses } = await startToK8sScene(scene);
const cluster = clusterObjects(api);
for (const name of ['web', 'api']) {
  await cluster.service(name, { ports: [{ port: 80 }] });
  await cluster.endpoints(name, 8080, [{ address: '10.20.0.1' }, { address: '10.20.0.2' }]);
}
// A name that both sides have on their own, and one of a machine.
await register('api', [{ address: '10.30.0.1' }]);
await register('machines', [{ address: '10.30.0.2' }, { address: 'fd00::30' }]);
// The shortest there is. Everything is compared twice while the test watches.
const [RESYNC_SECONDS, WATCHED_SECONDS] = [10, 22];
const flags = ['--to-k8s', `--k8s-write-namespace=${NAMESPACE}`, '--owner=c1', `--resync=${RESYNC_SECONDS}`];
const sync = await startTandemSync(scene, api, consul, flags);

async function settled(): Promise<void> {
  await addresses('machines', ['10.30.0.2', 'fd00::30']);
  for (const [name, count] of [
    ['web', 2],
    ['api', 3],
  ] as const)
    await eventually(`the Service ${name} of the cluster in Consul`, async () => {
      const found = (await consul.call('GET', `/v1/catalog/service/${name}`)) as readonly unknown[];
      assert.equal(found.length, count);
    });
  await eventually('only the service of machines', async () => {
    const { items } = (await api.admin.expect('GET', SERVICES)) as unknown as {
      items: readonly { readonly metadata: { readonly name: string } }[];
    };
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['machines'],
    );
  });
}

/** What was written while it watches; empty when nothing was. */
async function watchKubernetes(path: string): Promise<unknown> {
  const { metadata } = await api.admin.expect('GET', path);
  const query = `watch=true&timeoutSeconds=${WATCHED_SECONDS}&resourceVersion=${metadata.resourceVersion}`;
  return (await api.admin.request('GET', `${path}?${query}`)).body;
}

/** Whether Consul's catalog or health was written while it watches, by its index. */
async function watchConsul(path: string): Promise<boolean> {
  const before = await fetch(`${consul.url}${path}`);
  const index = before.headers.get('x-consul-index');
  const after = await fetch(`${consul.url}${path}?index=${index}&wait=${WATCHED_SECONDS}s`);
  await Promise.all([before.text(), after.text()]);
  return after.headers.get('x-consul-index') !== index;
}

test('with both directions on, comparing everything again writes nothing to either side', async () => {
  await settled();
  const nothing = await Promise.all([
    watchKubernetes('/api/v1/services'),
    watchKubernetes('/apis/discovery.k8s.io/v1/endpointslices'),
    watchConsul('/v1/catalog/services'),
    watchConsul('/v1/health/state/any'),
  ]);
  assert.deepEqual(nothing, ['', '', false, false]);
  const { rows } = (await sync.controller('to-consul')) ?? assert.fail();
  const back = rows.find(({ source }) => source === `Service/${NAMESPACE}/machines`);
  assert.deepEqual([back?.synced, back?.reason], [false, 'made-by-tandem']);
  assert.deepEqual(
    (await sync.controller('to-kubernetes'))?.rows
      .filter(({ selected }) => selected)
      .map(({ source }) => source),
    ['machines'],
  );
});

test('a Service of ours that loses its marks still does not go to Consul: they are put back', async () => {
  const { metadata } = await api.admin.expect('GET', `${SERVICES}/machines`);
  assert.equal(metadata.annotations?.['consul.hashicorp.com/service-sync'], 'false');
  const patch = { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } };
  await api.admin.expect('PATCH', `${SERVICES}/machines`, patch, 'application/merge-patch+json');
  await eventually('the label', async () => {
    const found = await api.admin.expect('GET', `${SERVICES}/machines`);
    assert.equal(found.metadata.labels?.['app.kubernetes.io/managed-by'], 'tandem');
  });
  await settled();
  const instances = (await consul.call('GET', '/v1/catalog/service/machines')) as readonly unknown[];
  assert.equal(instances.length, 2);
});

test('a restart with nothing changed writes nothing to the cluster', async () => {
  const versions = async (): Promise<readonly unknown[]> => {
    const lists = await Promise.all([SERVICES, SLICES].map((path) => api.admin.expect('GET', path)));
    return lists.flatMap((list) =>
      (list['items'] as { readonly metadata: object }[]).map(({ metadata }) => metadata),
    );
  };
  await settled();
  const before = await versions();
  await sync.process.stop();
  const again = await startTandemSync(scene, api, consul, flags);
  await eventually('a comparison', async () => {
    const status = await again.controller('to-kubernetes');
    assert.ok(status?.rows.some(({ source, endpoints }) => source === 'machines' && endpoints === 2));
  });
  assert.deepEqual(await versions(), before);
});
