/** Tokens that show nothing, or half, or are gone: nothing is concluded from what they do not show. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removalsOf, startAnswerProxy, writesOf } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-acls';
const OWN_NODE = `node "${NODE}" { policy = "write" }`;
const ALL = `${OWN_NODE} service_prefix "shop-" { policy = "write" }`;
// Of shop-0 to shop-19 those that begin so, about half.
const HALF = `${OWN_NODE} service_prefix "shop-1" { policy = "write" }`;
const ONLY_SERVICES = 'service_prefix "shop-" { policy = "write" }';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { acls: true })]);
const proxy = await startAnswerProxy(scene, consul.url);
const shops = population(clusterObjects(api));

type Token = { readonly AccessorID: string; readonly SecretID: string };

let made = 0;
async function token(rules: string): Promise<Token> {
  const name = `policy-${(made += 1)}`;
  await consul.call('PUT', '/v1/acl/policy', { Name: name, Rules: rules });
  return (await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name: name }] })) as Token;
}

const file = join(scene.folder, 'token');
const use = ({ SecretID }: Token): void => writeFileSync(file, SecretID, { mode: 0o600 });
const first = await token(ALL);
use(first);
await shops.create(20, 2);
const sync = await startTandemSync(scene, api, proxy, ['--owner=acls', `--consul-token-file=${file}`]);
await converged(consul, NODE, shops);

async function deleteOne(): Promise<void> {
  const { Services } = (await consul.call('GET', `/v1/catalog/node-services/${NODE}`)) as {
    Services: { ID: string }[];
  };
  await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE, ServiceID: Services[0]?.ID });
}

/** Only reported, whatever changes; the words that the operator reads. */
async function changesNothing(bad: Token, says: RegExp): Promise<void> {
  use(bad);
  const since = new Date().toISOString();
  await deleteOne();
  const before = await instancesOn(consul, NODE);
  await eventually('a report', async () => {
    const { lastFailure } = (await sync.controller('to-consul')) ?? assert.fail();
    assert.ok(lastFailure !== undefined && lastFailure.at > since, 'none yet');
    assert.match(lastFailure.error, says);
    assert.ok(!lastFailure.error.includes(bad.SecretID), 'it shows the token');
  });
  proxy.forget();
  // Two more looks with that token.
  await eventually('two more looks', async () => assert.ok(proxy.requests().length >= 4));
  assert.deepEqual(writesOf(proxy.requests()), []);
  assert.deepEqual(await instancesOn(consul, NODE), before);
}

test('a token that sees nothing changes nothing, and says what it needs', async (context) => {
  await changesNothing(
    await token(''),
    /needs node "k8s-sync-acls" \{ policy = "write" \} and service_prefix/,
  );
  use(first);
  context.diagnostic(`converged ${await converged(consul, NODE, shops)} ms after it had its rights`);
});

test('a token that sees half of the services takes the others for no less', async () => {
  await changesNothing(await token(HALF), /does not show all of node/);
  use(first);
  await converged(consul, NODE, shops);
});

test('a token that may write the services and not see the node is none', async () => {
  await changesNothing(await token(ONLY_SERVICES), /does not show all of node/);
  use(first);
  await converged(consul, NODE, shops);
});

test('a token that is revoked is reported by its text, and the next one in the file is taken', async (context) => {
  await consul.call('DELETE', `/v1/acl/token/${first.AccessorID}`);
  await changesNothing(first, /ACL not found/);
  await shops.change('shop-3', 4);
  use(await token(ALL));
  context.diagnostic(`converged ${await converged(consul, NODE, shops)} ms after the new token`);
  assert.equal(removalsOf(proxy.requests()), 0);
  assert.match(await sync.metrics(), /tandem_sync_failures_total\{code="TANDEM_CONSUL_FORBIDDEN"\} [1-9]/);
});

test('a token that may read all and write nothing is reported, and nothing is lost', async () => {
  use(await token('node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }'));
  const since = new Date().toISOString();
  await shops.change('shop-4', 4);
  await eventually('a report', async () => {
    const { lastFailure, rows } = (await sync.controller('to-consul')) ?? assert.fail();
    const refused = rows.find(({ source }) => source === 'Service/default/shop-4')?.refused;
    assert.match(
      refused ?? (lastFailure !== undefined && lastFailure.at > since ? lastFailure.error : ''),
      /Permission denied/,
    );
  });
  use(await token(ALL));
  await converged(consul, NODE, shops);
});
