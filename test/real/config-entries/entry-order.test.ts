/** The order of config entries, what Consul does not tell, and entries of another cluster, between a real API server and a real Consul. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samples } from '../../unit/catalog/config-entries/samples.ts';
import { startAnswerProxy, writesOf, type ProxiedAnswer } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { entryScene } from './entry-scene.ts';
import { startEntrySync } from './entry-sync.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const at = entryScene(api, consul);
await at.installCrds();

const proxy = await startAnswerProxy(scene, consul.url);
const sync = await startEntrySync(scene, api, proxy);

const known = samples.filter(({ kind }) => kind.enterprise !== true);
const placeOf = ({ manifest }: (typeof samples)[number]): string => {
  const { name } = manifest['metadata'] as { readonly name: string };
  return `default/${name}`;
};

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .toSorted((left, right) => left.key - right.key)
    .map(({ item }) => item);
}

test('all kinds, applied and deleted in any order, are written and removed without a refusal', async () => {
  const order = shuffled(known);
  await sync.whileDown(async () => {
    for (const sample of order)
      await at.apply(sample.kind.kind, placeOf(sample), sample.manifest['spec'] as object);
  });
  for (const sample of known) await at.stands(sample.kind.kind, placeOf(sample), 'Synced');
  const names = order.map(({ kind }) => kind.entryKind).join(' ');
  assert.doesNotMatch(sync.log(), /Consul refused/, names);
  await sync.whileDown(async () => {
    for (const sample of shuffled(known)) await at.remove(sample.kind.kind, placeOf(sample));
  });
  await eventually('all are gone', async () => {
    for (const { kind } of known) assert.deepEqual(await at.entries(kind.kind), [], kind.entryKind);
  });
  assert.doesNotMatch(sync.log(), /Consul refused/, names);
});

test('from tcp to http and back, with a router and a splitter', async () => {
  const protocol = (name: string): Promise<unknown> =>
    at.apply('ServiceDefaults', 'default/web', { protocol: name });
  const router = { routes: [{ match: { http: { pathPrefix: '/' } } }] };
  const splitter = { splits: [{ weight: 100 }] };
  await protocol('tcp');
  await at.stands('ServiceDefaults', 'default/web', 'Synced');
  await at.apply('ServiceRouter', 'default/web', router);
  await at.apply('ServiceSplitter', 'default/web', splitter);
  await at.stands('ServiceRouter', 'default/web', 'ConsulAgentError');
  await at.stands('ServiceSplitter', 'default/web', 'ConsulAgentError');
  await protocol('http');
  await at.stands('ServiceRouter', 'default/web', 'Synced');
  await at.stands('ServiceSplitter', 'default/web', 'Synced');
  await protocol('tcp');
  await at.stands('ServiceDefaults', 'default/web', 'ConsulAgentError');
  await at.has('ServiceDefaults', 'web', { Protocol: 'http' });
  await at.remove('ServiceRouter', 'default/web');
  await at.remove('ServiceSplitter', 'default/web');
  await at.stands('ServiceDefaults', 'default/web', 'Synced');
  await at.has('ServiceDefaults', 'web', { Protocol: 'tcp' });
});

const BROKEN: readonly [string, (answer: ProxiedAnswer) => ProxiedAnswer][] = [
  [
    'is filtered by ACLs',
    (answer) => ({
      ...answer,
      headers: { ...answer.headers, 'x-consul-results-filtered-by-acls': 'true' },
      body: '[]',
    }),
  ],
  ['is forbidden', (answer) => ({ ...answer, status: 403, body: 'Permission denied' })],
  ['fails', (answer) => ({ ...answer, status: 500, body: 'internal error' })],
  ['has no leader', (answer) => ({ ...answer, status: 500, body: 'No cluster leader' })],
  [
    'has no leader, through a follower',
    (answer) => ({ ...answer, status: 500, body: 'rpc error making call: No cluster leader' }),
  ],
  ['is a 404', (answer) => ({ ...answer, status: 404, body: 'not found' })],
];

test('a list that is not whole removes nothing, whatever else goes', async (context) => {
  for (const [name] of BROKEN) await at.apply('ServiceResolver', `default/${slug(name)}`, {});
  for (const [name] of BROKEN) await at.stands('ServiceResolver', `default/${slug(name)}`, 'Synced');
  const touch = async (): Promise<unknown> =>
    at.put({ Kind: 'service-resolver', Name: 'theirs', ConnectTimeout: `${(touched += 1)}s` });
  for (const [name, change] of BROKEN) {
    let broken = 0;
    proxy.rewrite(({ method, path }, answer) => {
      if (method !== 'GET' || !/^\/v1\/config\/service-resolver(\?|$)/.test(path)) return undefined;
      broken += 1;
      return change(answer);
    });
    await touch();
    await eventually(`the list ${name}`, async () => assert.ok(broken > 0));
    proxy.forget();
    await at.remove('ServiceResolver', `default/${slug(name)}`);
    // A change that is written says that the removal was thought about, too.
    await at.apply('ServiceDefaults', 'default/other', { protocol: 'http', maxInboundConnections: touched });
    await at.has('ServiceDefaults', 'other', { MaxInboundConnections: touched });
    const removed = writesOf(proxy.requests()).filter(({ method }) => method === 'DELETE');
    assert.deepEqual(removed, [], name);
    assert.ok((await at.entry('ServiceResolver', slug(name))) !== undefined, name);
    proxy.rewrite(undefined);
    await touch();
    await at.hasNot('ServiceResolver', slug(name));
    context.diagnostic(name);
  }
});

let touched = 0;

function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

test('an entry of another cluster stays as it is, and is ours when that one has given it up', async () => {
  const Meta = { 'tandem-owner': 'two', 'tandem-object': 'shop/api' };
  await at.put({ Kind: 'service-defaults', Name: 'api', Protocol: 'grpc', Meta });
  await at.apply('ServiceDefaults', 'default/api', { protocol: 'http' });
  const { message } = await at.stands('ServiceDefaults', 'default/api', 'ExternallyManagedConfigError');
  assert.match(message, /cluster "two".*"shop\/api".*Protocol is "grpc" in Consul, "http" here/);
  await at.apply('ServiceDefaults', 'default/api', { protocol: 'grpc' });
  await at.stands('ServiceDefaults', 'default/api', 'ManagedElsewhere');
  assert.deepEqual((await at.entry('ServiceDefaults', 'api'))?.Meta, Meta);
  await consul.call('DELETE', '/v1/config/service-defaults/api');
  const entry = await at.has('ServiceDefaults', 'api', { Protocol: 'grpc' });
  assert.equal(entry.Meta?.['tandem-owner'], 'one');
  await at.stands('ServiceDefaults', 'default/api', 'Synced');
});

test('while Consul is stopped objects end at once, and their entries go when it is back', async (context) => {
  for (let nth = 0; nth < 5; nth += 1)
    await at.apply('ServiceDefaults', `default/end${nth}`, { protocol: 'http' });
  for (let nth = 0; nth < 5; nth += 1) await at.stands('ServiceDefaults', `default/end${nth}`, 'Synced');
  const { pid } = consul.process();
  process.kill(pid, 'SIGSTOP');
  const start = performance.now();
  for (let nth = 0; nth < 5; nth += 1) await at.remove('ServiceDefaults', `default/end${nth}`);
  for (let nth = 0; nth < 5; nth += 1)
    assert.equal(await at.object('ServiceDefaults', `default/end${nth}`), undefined);
  context.diagnostic(`five objects ended in ${Math.round(performance.now() - start)} ms`);
  process.kill(pid, 'SIGCONT');
  for (let nth = 0; nth < 5; nth += 1) await at.hasNot('ServiceDefaults', `end${nth}`);
});
