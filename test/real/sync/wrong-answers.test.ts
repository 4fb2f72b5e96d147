/** What stands between Tandem and Consul answers what Consul never would. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startAnswerProxy, removalsOf, writesOf, type Rewrite } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-answers';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const proxy = await startAnswerProxy(scene, consul.url);
const shops = population(clusterObjects(api));
const sync = await startTandemSync(scene, api, proxy, ['--owner=answers']);
await shops.create(20, 3);
await converged(consul, NODE, shops);

type Read = 'node-services' | 'health';

const isRead = (path: string, kind: Read): boolean =>
  path.startsWith(`/v1/${kind === 'health' ? 'health/node' : 'catalog/node-services'}/`);

/** These bodies in place of those of Consul, as if they were an answer like any other. */
const inPlace =
  (bodies: Partial<Record<Read, string | ((body: string) => string)>>, type = 'application/json'): Rewrite =>
  (seen, answer) => {
    for (const kind of ['node-services', 'health'] as const) {
      const body = bodies[kind];
      if (body === undefined || !isRead(seen.path, kind)) continue;
      const headers = { ...answer.headers, 'content-type': type };
      return { ...answer, headers, body: typeof body === 'string' ? body : body(answer.body) };
    }
    return undefined;
  };

/** Somebody deletes one instance, so that Tandem reads. */
async function deleteOne(): Promise<void> {
  const { Services } = (await consul.call('GET', `/v1/catalog/node-services/${NODE}`)) as {
    Services: { ID: string }[];
  };
  await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE, ServiceID: Services[0]?.ID });
}

/** A failure that says so, after something has been changed. */
async function failsAfter(change: () => Promise<void>, says: RegExp): Promise<void> {
  const since = new Date().toISOString();
  await change();
  await eventually('a failure', async () => {
    const { lastFailure } = (await sync.controller('to-consul')) ?? assert.fail();
    assert.ok(lastFailure !== undefined && lastFailure.at > since, 'none yet');
    assert.match(lastFailure.error, says);
  });
}

/** Reported, and nothing written; afterwards all is as it was. */
async function isRefused(context: TestContext, rewrite: Rewrite, says: RegExp): Promise<void> {
  proxy.forget();
  proxy.rewrite(rewrite);
  await failsAfter(deleteOne, says);
  assert.deepEqual(writesOf(proxy.requests()), []);
  assert.equal((await instancesOn(consul, NODE)).length, shops.expected().length - 1);
  proxy.rewrite(undefined);
  const took = await converged(consul, NODE, shops);
  context.diagnostic(`converged ${took} ms after the last wrong answer`);
  assert.equal(removalsOf(proxy.requests()), 0);
}

const page = '<html><body>Sign in to continue</body></html>';
const half = (body: string): string => body.slice(0, body.length / 2);

const wrong: readonly (readonly [string, Rewrite, RegExp])[] = [
  [
    'the page of a proxy, with status 200',
    inPlace({ 'node-services': page }, 'text/html'),
    /not JSON but text\/html/,
  ],
  ['half of the JSON', inPlace({ 'node-services': half }), /not JSON/],
  ['half of the JSON of the checks', inPlace({ health: half }), /not JSON/],
  ['a list in place of an object', inPlace({ 'node-services': '[]' }), /not an answer from Consul/],
  ['an object in place of a list', inPlace({ health: '{}' }), /not an answer from Consul/],
  ['null', inPlace({ 'node-services': 'null' }), /not an answer from Consul/],
  ['an empty object', inPlace({ 'node-services': '{}' }), /not an answer from Consul/],
  [
    'an error as text, with status 200',
    inPlace({ 'node-services': 'No cluster leader' }, 'text/plain'),
    /not JSON/,
  ],
  ['nothing at all', inPlace({ health: '' }), /not JSON/],
];
for (const [what, rewrite, says] of wrong)
  test(`${what} is no answer`, (context) => isRefused(context, rewrite, says));

test('statuses of an outage are none either, and a transaction that ends in one is written again', async (context) => {
  proxy.forget();
  for (const [status, endpoints] of [
    [429, 4],
    [500, 3],
    [503, 4],
  ] as const) {
    proxy.rewrite((_seen, answer) => ({ ...answer, status, body: 'No cluster leader' }));
    await failsAfter(() => shops.change('shop-1', endpoints), new RegExp(`status ${status}`));
  }
  proxy.rewrite(undefined);
  context.diagnostic(`converged ${await converged(consul, NODE, shops)} ms after them`);
});

test('an empty node that is none, again and again, is no reason to write everything again and again', async (context) => {
  proxy.forget();
  proxy.rewrite(inPlace({ 'node-services': '{"Node":null,"Services":null}', health: '[]' }));
  await deleteOne();
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const written = writesOf(proxy.requests()).length;
  context.diagnostic(`${written} transactions in 12 s`);
  assert.ok(written <= 4, `${written} transactions`);
  assert.equal(removalsOf(proxy.requests()), 0);
  assert.deepEqual(await instancesOn(consul, NODE), shops.expected());
  proxy.rewrite(undefined);
  await converged(consul, NODE, shops);
});

test('the metrics tell it', async () => {
  const metrics = await sync.metrics();
  for (const code of ['ANSWER_INVALID', 'UNAVAILABLE', 'LIMITED'])
    assert.match(metrics, new RegExp(`tandem_sync_failures_total\\{code="TANDEM_CONSUL_${code}"\\} [1-9]`));
});
