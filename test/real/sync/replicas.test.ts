/** Two replicas and the Lease between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalsOf, startAnswerProxy } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-replicas';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const proxy = await startAnswerProxy(scene, consul.url);
const shops = population(clusterObjects(api));
await shops.create(20, 3);

const start = (): Promise<TandemSync> => startTandemSync(scene, api, proxy, ['--owner=replicas']);
const leads = async (sync: TandemSync): Promise<void> =>
  eventually('the lead', async () => assert.ok((await sync.status()).process.leader));

let leader = await start();
await leads(leader);
let other = await start();
await converged(consul, NODE, shops);

/** Milliseconds from the end of the leader to the first change that the other one wrote. */
async function handOver(signal: 'SIGKILL' | 'SIGTERM'): Promise<number> {
  proxy.forget();
  const ended = leader.process.stop(signal);
  const begun = performance.now();
  await ended;
  await shops.change('shop-1', 4);
  await converged(consul, NODE, shops);
  const took = Math.round(performance.now() - begun);
  assert.ok((await other.status()).process.leader);
  assert.equal(removalsOf(proxy.requests()), 0);
  [leader, other] = [other, await startTandemSync(scene, api, proxy, ['--owner=replicas'])];
  await shops.change('shop-1', 3);
  await converged(consul, NODE, shops);
  return took;
}

test('the one that does not lead is ready, and writes nothing', async () => {
  assert.deepEqual(
    [(await leader.status()).process.leader, (await other.status()).process.leader],
    [true, false],
  );
  assert.match(await other.metrics(), /^tandem_leader 0$/m);
  assert.match(await leader.metrics(), /^tandem_leader 1$/m);
});

test('after a clean stop the other one goes on at once, and removes nothing', async (context) => {
  context.diagnostic(`${await handOver('SIGTERM')} ms`);
});

test('when the leader is killed, the other one goes on within 15 s, and removes nothing', async (context) => {
  context.diagnostic(`${await handOver('SIGKILL')} ms`);
});

test('a leader that hangs has lost its lead when it comes back, and both agree on who leads', async (context) => {
  await leader.process.hang();
  const begun = performance.now();
  await leads(other);
  context.diagnostic(`${Math.round(performance.now() - begun)} ms`);
  leader.process.goOn();
  await eventually('the end of its term', async () => assert.ok(!(await leader.status()).process.leader));
  assert.ok((await other.status()).process.leader);
  await shops.change('shop-2', 4);
  await converged(consul, NODE, shops);
});
