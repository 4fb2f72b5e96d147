/** A replica that does not lead: what would write to Consul is not sent, whichever way it takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodRegistration } from '../../../src/catalog/mesh/pod-registration.ts';
import { consulAgents } from '../../../src/consul/agents.ts';
import type { OpenConsul } from '../../../src/consul/client.ts';
import { connectCatalog } from '../../../src/consul/connect-catalog.ts';
import { syncCatalog } from '../../../src/consul/sync-catalog.ts';
import { transaction } from '../../../src/consul/transaction.ts';
import {
  deregisterCatalog,
  deregisterFromAgent,
  registerAgentCheck,
  registerAtAgent,
  registerCatalog,
  updateAgentCheck,
} from '../../../src/consul/write.ts';
import { readLeader } from '../../../src/consul/read.ts';
import { clientOf, fakeConsul, json } from './fake-consul.ts';

const { signal } = new AbortController();
const check = { id: 'c', name: 'c', status: 'passing', output: '' } as const;
const node = { name: 'n', address: '10.0.0.1' };
const registration: PodRegistration = {
  node,
  source: 'Pod/a/b',
  uid: 'u',
  id: 'i',
  name: 'web',
  address: '10.0.0.1',
  port: 80,
  tags: [],
  meta: {},
  weight: 1,
  check,
  kind: 'service',
};
const OPERATION = { Service: { Verb: 'delete', Node: 'n', Service: { ID: 'i', Service: 'web' } } } as const;

const writes: Readonly<Record<string, (client: OpenConsul) => Promise<unknown>>> = {
  transaction: (client) => transaction(client, [OPERATION], signal),
  'a transaction of the sync': (client) => syncCatalog(client).write([], signal),
  'catalog/register': (client) => registerCatalog(client, { Node: 'n' }),
  'catalog/deregister': (client) => deregisterCatalog(client, { Node: 'n' }),
  'agent/service/deregister': (client) => deregisterFromAgent(client, 'i'),
  'agent/service/register': (client) => registerAtAgent(client, {}),
  'agent/check/register': (client) => registerAgentCheck(client, 'i', check),
  'agent/check/update': (client) => updateAgentCheck(client, check),
  'a node of the registrar': (client) => connectCatalog(client).writeNode(node, 'c1', signal),
  'an instance of the registrar': (client) => connectCatalog(client).register(registration, 'c1', signal),
  'checks of the registrar': (client) =>
    connectCatalog(client).setChecks([{ node: 'n', id: 'i', name: 'web', check }], signal),
  'instances of the registrar together': (client) =>
    connectCatalog(client).registerServices([registration], signal),
  'one removal': (client) => connectCatalog(client).deregister([{ node: 'n', id: 'i', name: 'web' }], signal),
  'removals together': (client) =>
    connectCatalog(client).deregister(
      ['i', 'j'].map((id) => ({ node: 'n', id, name: 'web' })),
      signal,
    ),
};

for (const [what, write] of Object.entries(writes))
  test(`not sent by who does not lead: ${what}`, async () => {
    await using server = await fakeConsul(json(true));
    let leads = false;
    await using opened = await clientOf([server.url], { mayWrite: () => leads });
    const { client } = opened;
    await assert.rejects(write(client), { code: 'TANDEM_NOT_LEADING' });
    const agent = { ...client, call: client.at(server.url).call };
    await assert.rejects(write(agent), { code: 'TANDEM_NOT_LEADING' }, 'at an agent');
    assert.deepEqual(server.seen, []);
    leads = true;
    // Whatever it makes of the answer.
    await write(client).catch(() => undefined);
    assert.equal(server.seen.length, 1);
  });

test('writes at an agent are refused, one by one', async () => {
  await using server = await fakeConsul(json(true));
  await using opened = await clientOf([server.url], { mayWrite: () => false });
  const agents = consulAgents(opened.client, () => server.url);
  const outcomes = await Promise.all([
    agents.register('10.0.0.1', { source: 'Pod/a/b', uid: 'u', id: 'i', definition: {} }, signal),
    agents.deregister('10.0.0.1', 'i', signal),
    agents.setCheck('10.0.0.1', { source: 'Pod/a/b', service: 'i', check, isNew: true }, signal),
    agents.setCheck('10.0.0.1', { source: 'Pod/a/b', service: 'i', check, isNew: false }, signal),
  ]);
  for (const outcome of outcomes)
    assert.match(outcome.kind === 'refused' ? outcome.reason : '', /no longer leads/);
  assert.deepEqual(server.seen, []);
});

test('the term is asked after the token has come, and again before another server is asked', async () => {
  let leads = true;
  await using broken = await fakeConsul((_response, _seen, request) => {
    leads = false;
    request.socket.resetAndDestroy();
  });
  await using other = await fakeConsul(json(true));
  await using opened = await clientOf([broken.url, other.url], { mayWrite: () => leads });
  await assert.rejects(registerCatalog(opened.client, { Node: 'n' }), { code: 'TANDEM_NOT_LEADING' });
  assert.deepEqual([broken.seen.length, other.seen.length], [1, 0]);
  await using login = await fakeConsul((response, ...rest) => {
    leads = false;
    json({ SecretID: 's', AccessorID: 'a' })(response, ...rest);
  });
  leads = true;
  await using waiting = await clientOf([login.url], {
    mayWrite: () => leads,
    token: { kind: 'login', method: 'm', bearerTokenFile: import.meta.filename },
  });
  await assert.rejects(registerCatalog(waiting.client, { Node: 'n' }), { code: 'TANDEM_NOT_LEADING' });
  assert.deepEqual(
    login.seen.map(({ url }) => url.split('?')[0]).filter((url) => !url?.includes('/acl/')),
    [],
  );
});

test('reads go on', async () => {
  await using server = await fakeConsul(json('leader'));
  await using opened = await clientOf([server.url], { mayWrite: () => false });
  assert.equal(await readLeader(opened.client), 'leader');
});
