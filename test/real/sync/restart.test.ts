/** Tandem ends at any moment, and begins again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalsOf, startAnswerProxy, writesOf } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync, type TandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-restarts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const proxy = await startAnswerProxy(scene, consul.url);
const shops = population(clusterObjects(api));
await shops.create(300, 3);

// The Lease of a killed replica is taken over after its time, which is another test.
const start = (): Promise<TandemSync> =>
  startTandemSync(scene, api, proxy, ['--owner=restarts', '--leader-election=false']);

const hasCompared = (sync: TandemSync): Promise<void> =>
  eventually('a first comparison', async () =>
    assert.ok((await sync.controller('to-consul'))?.lastSuccess !== undefined, 'none yet'),
  );

test('killed in the middle of writing: the next start finishes, with nothing twice, lost or removed', async (context) => {
  const half = Promise.withResolvers<void>();
  proxy.onRequest(() => {
    if (writesOf(proxy.requests()).length >= 6) half.resolve();
  });
  const killed = await start();
  await half.promise;
  await killed.process.stop('SIGKILL');
  const before = (await instancesOn(consul, NODE)).length;
  assert.ok(before > 0 && before < 900, `${before} of 900 were written when it was killed`);
  proxy.forget();
  const next = await start();
  const took = await converged(consul, NODE, shops);
  context.diagnostic(`killed with ${before} of 900 instances; converged ${took} ms after it was ready again`);
  assert.equal(removalsOf(proxy.requests()), 0);
  await next.process.stop();
});

test('started again with nothing changed: not one write, and few reads', async (context) => {
  proxy.forget();
  const again = await start();
  await hasCompared(again);
  const [requests, instances] = [proxy.requests(), await instancesOn(consul, NODE)];
  context.diagnostic(`${requests.length} requests`);
  assert.deepEqual(writesOf(requests), []);
  // Two reads, and two watches that each ask twice.
  assert.ok(requests.length <= 5, `${requests.length} requests`);
  assert.deepEqual(instances, shops.expected());
  await again.process.stop();
});

test('what changed while it was away is written, and only that', async () => {
  await shops.change('shop-7', 1);
  await shops.change('shop-8', 4);
  proxy.forget();
  const again = await start();
  await converged(consul, NODE, shops);
  assert.equal(removalsOf(proxy.requests()), 2);
  const written = writesOf(proxy.requests())
    .map(({ body }) => body)
    .join('');
  assert.equal(written.split('"Verb":"set"').length - 1, 2);
  await again.process.stop();
});
