/** The mode of ExternalNames, with a prefix, patterns, a tag and a filter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { NAMESPACE, SERVICES, startToK8sScene } from './write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, service, slices } = await startToK8sScene(scene);
const wanted = { address: '10.50.0.1', tags: ['shared'], meta: { team: 'a' } };
await register('shop-web', [wanted]);
await register('shop-untagged', [{ ...wanted, tags: [] }]);
await register('shop-other', [{ ...wanted, meta: { team: 'b' } }]);
await register('Shop-Upper', [wanted]);
await register('office', [wanted]);
const sync = await startTandemSync(scene, api, consul, [
  '--to-k8s',
  '--to-consul=false',
  '--to-k8s-mode=external-name',
  '--to-k8s-services=shop-*',
  '--to-k8s-tag=shared',
  '--to-k8s-filter=ServiceMeta.team == "a"',
  '--k8s-service-prefix=c-',
  '--consul-domain=example.test',
  `--k8s-write-namespace=${NAMESPACE}`,
]);

test("each selected service is an ExternalName of Consul's DNS, and no other is there", async () => {
  await service('c-shop-upper');
  const { spec } = await service('c-shop-web');
  assert.deepEqual([spec.type, spec.externalName], ['ExternalName', 'shop-web.service.example.test']);
  const { items } = (await api.admin.expect('GET', SERVICES)) as unknown as {
    items: readonly { readonly metadata: { readonly name: string } }[];
  };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['c-shop-upper', 'c-shop-web'],
  );
  assert.deepEqual(await slices('c-shop-web'), []);
  await eventually('both in /status', async () =>
    assert.equal((await sync.controller('to-kubernetes'))?.rows.filter(({ selected }) => selected).length, 2),
  );
});

test('a service that no longer fits the filter goes', async () => {
  await register('shop-web', [{ ...wanted, meta: { team: 'b' } }]);
  await eventually('one Service', async () => {
    const { status } = await api.admin.request('GET', `${SERVICES}/c-shop-web`);
    assert.equal(status, 404);
  });
});
