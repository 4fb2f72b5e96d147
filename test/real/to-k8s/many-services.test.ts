/** More services than there are queries that wait: the real Consul wakes what tells of each kind of change. */
import { test } from 'node:test';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { NAMESPACE, startToK8sScene } from './write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, deregister, addresses } = await startToK8sScene(scene);
// Without news, the turn of one of them would come after 108 s.
const names = Array.from({ length: 100 }, (_, index) => `many-${index}`);
for (const name of names) await register(name, [{ address: '10.0.0.1' }, { address: '10.0.0.2' }]);
await startTandemSync(scene, api, consul, [
  '--to-k8s',
  '--to-consul=false',
  `--k8s-write-namespace=${NAMESPACE}`,
  '--owner=c1',
]);
for (const name of names) await addresses(name, ['10.0.0.1', '10.0.0.2']);

test('a check that fails and passes again', async () => {
  await register('many-90', [{ address: '10.0.0.2', status: 'critical' }]);
  await addresses('many-90', ['10.0.0.1']);
  await register('many-90', [{ address: '10.0.0.2' }]);
  await addresses('many-90', ['10.0.0.1', '10.0.0.2']);
});

test('an instance that comes, and one that goes', async () => {
  await register('many-91', [{ address: '10.0.0.3' }]);
  await addresses('many-91', ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  await deregister('many-91', { address: '10.0.0.1' });
  await addresses('many-91', ['10.0.0.2', '10.0.0.3']);
});

test('another address under the same id, of which no check tells', async () => {
  await register('many-92', [{ id: 'fixed', address: '10.0.0.4' }]);
  await addresses('many-92', ['10.0.0.1', '10.0.0.2', '10.0.0.4']);
  await register('many-92', [{ id: 'fixed', address: '10.0.0.5' }]);
  await addresses('many-92', ['10.0.0.1', '10.0.0.2', '10.0.0.5']);
});

test('a node that fails, with all that is on it', async () => {
  const check = { Node: 'machine', CheckID: 'serfHealth', Name: 'Serf', Status: 'critical' };
  await consul.call('PUT', '/v1/catalog/register', {
    Node: 'machine',
    Address: '10.255.0.1',
    SkipNodeUpdate: true,
    Check: check,
  });
  for (const name of names) await addresses(name, []);
});
