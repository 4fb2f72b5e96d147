/** What consul-k8s has left in Consul becomes Tandem's, while somebody asks for it all the time. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { partPath } from '../parts.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-heir';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'dig']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const shops = population(clusterObjects(api));
await shops.create(30, 2);

/** As consul-k8s registers: no owner, no check. */
async function leave(name: string, address: string, more: object = {}): Promise<void> {
  await consul.call('PUT', '/v1/catalog/register', {
    Node: 'k8s-sync',
    Address: '127.0.0.1',
    NodeMeta: { 'external-source': 'kubernetes' },
    SkipNodeUpdate: true,
    Service: {
      ID: `${name}-${address}`,
      Service: name,
      Address: address,
      Port: 8080,
      Tags: ['k8s'],
      Meta: { 'external-source': 'kubernetes', 'external-k8s-ns': 'default' },
      ...more,
    },
  });
}

for (const line of shops.expected()) {
  const [name = '', place = ''] = line.split(' ');
  await leave(name, place.replace(':8080', ''));
}
await leave('of-another-cluster', '10.99.0.1');
await leave('shop-1', '10.99.0.2', { Tags: ['someone'], Meta: {} });

async function isServed(name: string): Promise<boolean> {
  const passing = (await consul.call('GET', `/v1/health/service/${name}?passing`)) as unknown[];
  return passing.length >= 2;
}

async function dig(name: string): Promise<readonly string[]> {
  const args = ['@127.0.0.1', '-p', String(consul.ports.dns), '+short', `${name}.service.consul`, 'A'];
  const { stdout } = await promisify(execFile)(partPath('dig'), args);
  return stdout.trim().split('\n').filter(Boolean);
}

test('new instances come first, then the old ones go, and nobody is without an answer in between', async (context) => {
  const ending = new AbortController();
  let asked = 0;
  const poll = async (ask: (name: string) => Promise<boolean>): Promise<readonly string[]> => {
    const missing: string[] = [];
    for (let turn = 0; !ending.signal.aborted; turn += 1) {
      const name = `shop-${turn % 30}`;
      asked += 1;
      if (!(await ask(name))) missing.push(name);
    }
    return missing;
  };
  const polls = Promise.all([poll(isServed), poll(async (name) => (await dig(name)).length >= 2)]);
  await startTandemSync(scene, api, consul, ['--owner=heir', '--adopt']);
  await converged(consul, NODE, shops);
  await eventually('the end of the old ones', async () =>
    assert.equal((await instancesOn(consul, 'k8s-sync')).length, 2),
  );
  ending.abort();
  assert.deepEqual(await polls, [[], []]);
  context.diagnostic(`${asked} questions, all answered`);
});

test('what has no replacement, or is not of such a syncer, stays', async () => {
  assert.deepEqual(await instancesOn(consul, 'k8s-sync'), [
    'of-another-cluster 10.99.0.1:8080 without a check',
    'shop-1 10.99.0.2:8080 without a check',
  ]);
});

test('a service without a moment of absence is as many instances as before', async () => {
  assert.equal((await dig('shop-2')).length, 2);
  assert.equal(((await consul.call('GET', '/v1/health/service/shop-2')) as unknown[]).length, 2);
});
