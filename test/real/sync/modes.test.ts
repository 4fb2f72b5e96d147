/** `--dry-run`, `--once` and the policies, each a process of its own on the same cluster and Consul. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAnswerProxy, removalsOf, writesOf } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { syncOnce } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-modes';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const proxy = await startAnswerProxy(scene, consul.url);
const shops = population(clusterObjects(api));
await shops.create(20, 2);

/** What it wrote to the log. */
function once(...flags: readonly string[]): Promise<string> {
  proxy.forget();
  return syncOnce(api, proxy, ['--owner=modes', ...flags]);
}

test('a dry run says what it would do, and does nothing', async () => {
  const annotate = (weight: string | null): Promise<unknown> =>
    api.admin.expect(
      'PATCH',
      '/api/v1/namespaces/default/services/shop-3',
      { metadata: { annotations: { 'consul.hashicorp.com/service-weight': weight } } },
      'application/merge-patch+json',
    );
  await annotate('heavy');
  const log = await once('--dry-run');
  assert.equal(log.split('would register').length - 1, 40);
  assert.match(log, /is not a whole number/);
  const { items } = (await api.admin.expect('GET', '/api/v1/events')) as { readonly items?: unknown };
  assert.deepEqual(items, []);
  await annotate(null);
  assert.deepEqual(writesOf(proxy.requests()), []);
  assert.deepEqual(await instancesOn(consul, NODE), []);
});

test('once writes all of it and ends; a second time it writes nothing', async () => {
  await once();
  assert.deepEqual(await instancesOn(consul, NODE), shops.expected());
  await once();
  assert.deepEqual(writesOf(proxy.requests()), []);
});

test('create-only adds, upsert-only changes too, and only sync removes', async () => {
  const before = shops.expected();
  await shops.change('shop-1', 1);
  await shops.change('shop-2', 3);
  await api.admin.expect(
    'PATCH',
    '/api/v1/namespaces/default/services/shop-3',
    { metadata: { annotations: { 'consul.hashicorp.com/service-weight': '7' } } },
    'application/merge-patch+json',
  );
  const weights = async (): Promise<readonly number[]> => {
    const found = (await consul.call('GET', '/v1/health/service/shop-3')) as {
      Service: { Weights: { Passing: number } };
    }[];
    return found.map(({ Service }) => Service.Weights.Passing);
  };
  const grown = [...new Set([...before, ...shops.expected()])].toSorted();
  await once('--policy=create-only');
  assert.deepEqual([await instancesOn(consul, NODE), await weights()], [grown, [1, 1]]);
  await once('--policy=upsert-only');
  assert.deepEqual([await instancesOn(consul, NODE), await weights()], [grown, [7, 7]]);
  assert.equal(removalsOf(proxy.requests()), 0);
  await once();
  await converged(consul, NODE, shops);
  assert.equal(removalsOf(proxy.requests()), 1);
});
