/** Two clusters with the same Services on one Consul, with the default settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { TANDEM } from '../harness/tandem-program.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const consul = await startConsul(scene);
const [east, west] = await Promise.all(
  [1, 2].map(async (network) => {
    const api = await startApiServer(scene);
    const shops = population(clusterObjects(api), 'shop', network);
    await shops.create(15, 2);
    const sync = await startTandemSync(scene, api, consul);
    const { owner, node } = (await sync.status()).process;
    return { api, shops, sync, owner, node };
  }),
);
assert.ok(east !== undefined && west !== undefined);

const bothAreWhole = async (): Promise<void> => {
  for (const { node, shops } of [east, west]) await converged(consul, node, shops);
};

test('each has its own node and owner, and all of both are in Consul under the same names', async () => {
  await bothAreWhole();
  assert.notEqual(east.owner, west.owner);
  const instances = (await consul.call('GET', '/v1/health/service/shop-3?passing')) as unknown[];
  assert.equal(instances.length, 4);
});

test('a Service that goes in one stays in the other', async () => {
  await clusterObjects(east.api).remove('shop-3');
  east.shops.forget(['shop-3']);
  await bothAreWhole();
  assert.equal(((await consul.call('GET', '/v1/health/service/shop-3')) as unknown[]).length, 2);
});

test('on one node that both share, each still touches only its own', async () => {
  const flags = ['--consul-node-name=shared', '--owner=third', '--leader-election=false'];
  await east.sync.process.stop();
  const third = await startTandemSync(scene, east.api, consul, flags);
  await converged(consul, 'shared', east.shops);
  await third.process.stop();
  const fourth = await startTandemSync(scene, west.api, consul, [...flags, '--owner=fourth']);
  const expected = (): readonly string[] => [...east.shops.expected(), ...west.shops.expected()].toSorted();
  await converged(consul, 'shared', { expected });
  await eventually('the count of what is not its own', async () =>
    assert.equal((await fourth.controller('to-consul'))?.counts?.['foreign'], east.shops.expected().length),
  );
  await fourth.process.stop();
});

async function purge(owner: string): Promise<number | null> {
  const purging = await scene.start({
    name: 'tandem sync --purge',
    command: process.execPath,
    args: [
      TANDEM,
      'sync',
      `--kubeconfig=${east?.api.kubeconfig()}`,
      `--consul-http-addr=${consul.url}`,
      `--purge=${owner}`,
    ],
  });
  return (await purging.exited).code;
}

test('a purge takes the owner that it names, when it is that of its cluster, and no other', async () => {
  assert.equal(await purge(west.owner), 2, 'of another cluster');
  assert.equal(await purge('nobody'), 2);
  assert.deepEqual(await instancesOn(consul, east.node), east.shops.expected());
  assert.equal(await purge(east.owner), 0);
  assert.deepEqual(await instancesOn(consul, east.node), []);
  await converged(consul, west.node, west.shops);
  assert.equal((await instancesOn(consul, 'shared')).length, 58);
});
