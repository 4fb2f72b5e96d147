/** Somebody else changes what is ours in Consul, or takes much away in the cluster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-drift';
// Ten times what is promised, for a machine that is busy. Without an event it takes 600 s (`--resync`).
const LATEST_MILLISECONDS = 20_000;

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const shops = population(clusterObjects(api));
await shops.create(50, 1);
const sync = await startTandemSync(scene, api, consul, ['--owner=drift']);
await converged(consul, NODE, shops);

type ServiceOfNode = {
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[];
  readonly Meta: object;
};

async function services(): Promise<readonly ServiceOfNode[]> {
  const answer = await consul.call('GET', `/v1/catalog/node-services/${NODE}`);
  return (answer as { Services: ServiceOfNode[] | null }).Services ?? [];
}

async function instanceOf(name: string): Promise<ServiceOfNode> {
  const found = (await services()).find(({ Service }) => Service === name);
  assert.ok(found !== undefined);
  return found;
}

test('an instance that somebody deletes is back', async (context) => {
  const { ID } = await instanceOf('shop-1');
  await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE, ServiceID: ID });
  context.diagnostic(`after ${await converged(consul, NODE, shops)} ms`);
});

test('an instance that somebody edits is as it was', async (context) => {
  const { ID, Service, Meta } = await instanceOf('shop-2');
  // Without its meta it would be nobody's, and stay so: only what is ours is ever changed.
  const start = performance.now();
  await consul.call('PUT', '/v1/catalog/register', {
    Node: NODE,
    SkipNodeUpdate: true,
    Service: { ID, Service, Meta, Address: '10.66.66.66', Port: 1, Tags: ['mine'] },
  });
  await converged(consul, NODE, shops);
  context.diagnostic(`after ${Math.round(performance.now() - start)} ms`);
  assert.deepEqual((await instanceOf('shop-2')).Tags, ['k8s']);
});

test('a check that somebody sets is as it was', async (context) => {
  const { ID } = await instanceOf('shop-3');
  const Check = { Node: NODE, CheckID: `${ID}-readiness`, ServiceID: ID, Name: 'x', Status: 'critical' };
  await consul.call('PUT', '/v1/catalog/register', { Node: NODE, SkipNodeUpdate: true, Check });
  context.diagnostic(`after ${await converged(consul, NODE, shops)} ms`);
});

test('a node that somebody deletes is back with all that was on it', async (context) => {
  await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE });
  context.diagnostic(`after ${await converged(consul, NODE, shops)} ms`);
});

test('forty of fifty Services that go at once wait for a second look, and are told, and go', async (context) => {
  const gone = shops.names().slice(0, 40);
  const expected = shops.expected();
  for (const name of gone)
    await api.admin.expect(
      'PATCH',
      `/api/v1/namespaces/default/services/${name}`,
      { metadata: { labels: { goes: 'yes' } } },
      'application/merge-patch+json',
    );
  const start = performance.now();
  // Seen one after the other they would be few at a time.
  await sync.process.hang();
  await api.admin.expect('DELETE', '/api/v1/namespaces/default/services?labelSelector=goes%3Dyes');
  sync.process.goOn();
  await eventually('a report', async () => {
    const { heldRemovals, counts } = (await sync.controller('to-consul')) ?? assert.fail();
    assert.ok(heldRemovals > 0 && (counts?.['owned'] ?? 0) > 15, `${heldRemovals} held`);
  });
  assert.match(await sync.metrics(), /^tandem_sync_held_removals [1-9]/m);
  const held = await instancesOn(consul, NODE);
  assert.ok(held.length > 50 - 16, `${held.length} of ${expected.length} are left while they are held`);
  shops.forget(gone);
  await converged(consul, NODE, shops);
  const took = Math.round(performance.now() - start);
  context.diagnostic(`${held.length} of 50 were held, all were gone after ${took} ms`);
  assert.ok(took > 9000, 'the second look is 10 s after the first');
  await eventually('nothing is held', async () =>
    assert.equal((await sync.controller('to-consul'))?.heldRemovals, 0),
  );
});

test('an id that another holder frees is taken soon, while we write all the time', async (context) => {
  const { ID, Service } = await instanceOf('shop-45');
  await consul.call('PUT', '/v1/catalog/register', {
    Node: NODE,
    SkipNodeUpdate: true,
    Service: { ID, Service, Address: '10.66.66.66', Port: 1, Meta: { 'tandem-owner': 'other' } },
  });
  await eventually('the conflict is told', async () => {
    const { rows } = (await sync.controller('to-consul')) ?? assert.fail();
    const source = rows.find((each) => each.source === 'Service/default/shop-45');
    assert.match(source?.problems.join() ?? '', /owner "other"/);
  });
  const stop = shops.churn();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const start = performance.now();
  await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE, ServiceID: ID });
  await eventually('it is ours', async () =>
    assert.ok((await services()).some((each) => each.ID === ID && 'tandem-source' in each.Meta)),
  );
  const took = Math.round(performance.now() - start);
  context.diagnostic(`after ${took} ms`);
  assert.ok(took < LATEST_MILLISECONDS, `${took} ms`);
  await stop();
  await converged(consul, NODE, shops);
});
