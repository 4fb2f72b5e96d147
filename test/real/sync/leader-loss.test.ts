/** Three Consul servers, of which the leader goes while everything changes. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul, type ConsulServer } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { ask, leaderOf } from './consul-leader.ts';

const NODE = 'k8s-sync-leaders';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { servers: 3 })]);
const shops = population(clusterObjects(api));
const addresses = consul.servers.map(({ ports }) => `127.0.0.1:${ports.http}`).join(',');
const sync = await startTandemSync(scene, api, { url: addresses }, ['--owner=leaders']);

/** Everything changes, the leader is lost, everything changes on, and then Consul has all of it. */
async function survives(
  context: TestContext,
  lose: (leader: ConsulServer) => Promise<unknown> | void,
): Promise<ConsulServer> {
  const leader = await leaderOf(consul.servers);
  const others = consul.servers.filter((server) => server !== leader);
  const stop = shops.churn();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const lost = performance.now();
  await lose(leader);
  const next = await leaderOf(others);
  const elected = performance.now();
  await stop();
  await converged({ call: (_method, path) => ask(next, path) }, NODE, shops);
  context.diagnostic(
    `a leader after ${Math.round(elected - lost)} ms, converged ${Math.round(performance.now() - elected)} ms after that`,
  );
  return leader;
}

test('a leader that is killed takes nothing along', async (context) => {
  await shops.create(60, 3);
  await converged({ call: (_method, path) => ask(consul, path) }, NODE, shops);
  const killed = await survives(context, (leader) => leader.process().stop('SIGKILL'));
  await killed.start();
});

test('a leader that hangs, as one whose machine lost its power, holds nothing up', async (context) => {
  const hung = await survives(context, (leader) => leader.process().hang());
  hung.process().goOn();
});

test('without a majority nothing is written, and nothing is lost', async (context) => {
  const [first, second] = consul.servers;
  assert.ok(first !== undefined && second !== undefined);
  await leaderOf(consul.servers);
  await Promise.all([first.process().stop('SIGKILL'), second.process().stop('SIGKILL')]);
  // More than the churn has left any of them with: else it may be that nothing is to be written.
  for (const service of shops.names().slice(0, 20)) await shops.change(service, 5);
  await eventually('a failure that says so', async () => {
    const { lastFailure, lastSuccess = '' } = (await sync.controller('to-consul')) ?? assert.fail();
    assert.ok(lastFailure !== undefined && lastFailure.at > lastSuccess);
    assert.match(lastFailure.error, /No cluster leader|ECONNREFUSED|no answer/);
  });
  await Promise.all([first.start(), second.start()]);
  const next = await leaderOf(consul.servers);
  const took = await converged({ call: (_method, path) => ask(next, path) }, NODE, shops);
  context.diagnostic(`converged ${took} ms after there was a leader`);
});
