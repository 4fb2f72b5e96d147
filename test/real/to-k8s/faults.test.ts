/** What goes wrong on either side takes nothing away that should stay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { NAMESPACE, SERVICES, startToK8sScene } from './write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, deregister, service, addresses, gone } = await startToK8sScene(scene, {
  acls: true,
});
const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
for (const name of names) await register(name, [{ address: '10.40.0.1' }]);
await register('web', [{ address: '10.40.0.9' }]);
const flags = ['--to-k8s', '--to-consul=false', `--k8s-write-namespace=${NAMESPACE}`, '--owner=c1'];

async function token(rules: string): Promise<string> {
  const Name = `p${rules.length}`;
  await consul.call('PUT', '/v1/acl/policy', { Name, Rules: rules });
  const made = await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name }] });
  return (made as { readonly SecretID: string }).SecretID;
}

async function serviceNames(): Promise<readonly string[]> {
  const { items } = (await api.admin.expect('GET', SERVICES)) as unknown as {
    items: readonly { readonly metadata: { readonly name: string } }[];
  };
  return items.map(({ metadata }) => metadata.name);
}

test('many services that vanish at once go after a second look, and Consul away takes nothing', async () => {
  const sync = await startTandemSync(scene, api, consul, flags);
  await addresses('web', ['10.40.0.9']);
  await eventually('all of them', async () => assert.equal((await serviceNames()).length, 21));
  await consul.process().stop('SIGKILL');
  await eventually('the failure in /status', async () => {
    assert.match((await sync.controller('to-kubernetes'))?.lastFailure?.error ?? '', /catalog\/services/);
  });
  await api.admin.expect('DELETE', `${SERVICES}/web`);
  await service('web');
  assert.equal((await serviceNames()).length, 21);
  await consul.start();
  await register('web', [{ address: '10.40.0.10' }]);
  await addresses('web', ['10.40.0.9', '10.40.0.10']);
  // Seen one after the other they would be few at a time.
  await sync.process.hang();
  for (const name of names) await deregister(name, { address: '10.40.0.1' });
  sync.process.goOn();
  await eventually('the guard', async () => {
    assert.ok(((await sync.controller('to-kubernetes'))?.heldRemovals ?? 0) > 10);
  });
  for (const name of names) await gone(name);
  await eventually('nothing is held', async () =>
    assert.equal((await sync.controller('to-kubernetes'))?.heldRemovals, 0),
  );
  await sync.process.stop();
});

test('a token that does not show everything removes nothing, and is reported', async () => {
  const rules = 'service_prefix "s" { policy = "read" } node_prefix "" { policy = "read" }';
  const sync = await startTandemSync(scene, api, { url: consul.url, token: await token(rules) }, flags);
  await eventually('the failure in /status', async () => {
    assert.match((await sync.controller('to-kubernetes'))?.lastFailure?.error ?? '', /does not show all/);
  });
  assert.deepEqual(await serviceNames(), ['web']);
  await sync.process.stop();
});

test('without a token, of whose rights Consul says nothing in its answers, nothing is removed either', async () => {
  const rules = 'service "consul" { policy = "read" } node_prefix "" { policy = "read" }';
  const Name = 'anonymous';
  await consul.call('PUT', '/v1/acl/policy', { Name, Rules: rules });
  await consul.call('PUT', '/v1/acl/token/00000000-0000-0000-0000-000000000002', { Policies: [{ Name }] });
  const sync = await startTandemSync(scene, api, { url: consul.url, token: '' }, flags);
  await eventually('the failure in /status', async () => {
    assert.match((await sync.controller('to-kubernetes'))?.lastFailure?.error ?? '', /does not show all/);
  });
  assert.deepEqual(await serviceNames(), ['web']);
  await sync.process.stop();
});

test('the least rights that it needs: read on services and nodes, write in one namespace', async () => {
  const rules = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }';
  await register('late', [{ address: '10.40.0.11' }]);
  const sync = await startTandemSync(scene, api, { url: consul.url, token: await token(rules) }, flags);
  await addresses('late', ['10.40.0.11']);
  await sync.process.stop();
});
