/** Services of Consul whose name or address is none: each is refused by itself, and the others come to Kubernetes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_HOSTS } from '../../unit/support/no-hosts.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { NAMESPACE, startToK8sScene } from './write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, addresses } = await startToK8sScene(scene);

async function registerAny(Service: string, Address: string): Promise<void> {
  const body = JSON.stringify({
    Node: 'n',
    Address: '10.0.0.1',
    Service: { ID: Service, Service, Address, Port: 80 },
  });
  await fetch(`${consul.url}/v1/catalog/register`, { method: 'PUT', body });
}

test('strange services keep nothing else from coming', async () => {
  for (const [index, address] of NO_HOSTS.entries()) await registerAny(`strange-${index}`, address);
  for (const name of ['.', '..', '../..', 'a/b', 'a b', 'a?b', '%2e%2e', '"'])
    await registerAny(name, '10.6.6.6');
  await register('good', [{ address: '10.8.0.1' }]);
  const sync = await startTandemSync(scene, api, consul, [
    '--owner=cluster1',
    '--to-consul=false',
    '--to-k8s',
    `--k8s-write-namespace=${NAMESPACE}`,
  ]);
  await addresses('good', ['10.8.0.1']);
  await eventually('each of the strange ones stands with what is wrong', async () => {
    const standings = (await sync.controller('to-kubernetes'))?.rows ?? [];
    for (const index of NO_HOSTS.keys()) {
      const found = standings.find(({ source }) => source === `strange-${index}`);
      assert.ok(found !== undefined && found.endpoints === 0, JSON.stringify(found));
    }
    const step = standings.find(({ source }) => source === '..');
    assert.match(step?.problems.join() ?? '', /is a step in the path of a URL/);
  });
  await register('later', [{ address: '10.8.0.2' }]);
  await addresses('later', ['10.8.0.2']);
  await register('good', [{ address: '10.8.0.3' }]);
  await addresses('good', ['10.8.0.1', '10.8.0.3']);
  assert.equal((await sync.controller('to-kubernetes'))?.lastFailure, undefined);
});
