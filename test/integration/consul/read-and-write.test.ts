/** Reads and writes, against the embedded catalog, and what goes over the wire. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OpenConsul } from '../../../src/consul/client.ts';
import {
  readLeader,
  readNodeChecks,
  readNodeServices,
  readServiceHealth,
  readServices,
} from '../../../src/consul/read.ts';
import { transaction } from '../../../src/consul/transaction.ts';
import { deregisterCatalog, deregisterFromAgent, registerCatalog } from '../../../src/consul/write.ts';
import { setNode, type Operation } from '../../../src/model/operations.ts';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { clientOf, fakeConsul, json, status } from './fake-consul.ts';

let catalog: EmbeddedConsul;
let held: Awaited<ReturnType<typeof clientOf>>;
let client: OpenConsul;
before(async () => {
  catalog = await startEmbeddedConsul();
  held = await clientOf([catalog.url]);
  client = held.client;
});
after(async () => {
  await client.close();
  await catalog.close();
});

const setService = (node: string, id: string): Operation => ({
  Service: {
    Verb: 'set',
    Node: node,
    Service: {
      ID: id,
      Service: 'web',
      Tags: ['k8s'],
      Address: '10.0.0.1',
      Port: 80,
      Meta: { a: 'b' },
      Weights: { Passing: 1, Warning: 1 },
    },
  },
});
const setCheck = (node: string, service: string): Operation => ({
  Check: {
    Verb: 'set',
    Check: {
      Node: node,
      CheckID: `${service}-c`,
      Name: 'c',
      Status: 'passing',
      Output: '',
      ServiceID: service,
      ServiceName: 'web',
    },
  },
});

test('what a transaction wrote is read back, whole', async () => {
  const outcome = await transaction(client, [setNode('a'), setService('a', 'web-1'), setCheck('a', 'web-1')]);
  assert.deepEqual([outcome.kind, outcome.kind === 'applied' && (outcome.index ?? 0) > 0], ['applied', true]);
  const { value, index, filteredByAcls } = await readNodeServices(client, 'a');
  assert.deepEqual([filteredByAcls, index > 0], [false, true]);
  const [service] = value.services;
  assert.deepEqual(
    { ...service, Proxy: undefined },
    {
      ID: 'web-1',
      Service: 'web',
      Kind: '',
      Tags: ['k8s'],
      Address: '10.0.0.1',
      TaggedAddresses: {},
      Port: 80,
      Meta: { a: 'b' },
      Weights: { Passing: 1, Warning: 1 },
      Proxy: undefined,
    },
  );
  assert.deepEqual(value.node?.Meta, { 'external-source': 'kubernetes' });
  const checks = await readNodeChecks(client, 'a');
  assert.deepEqual(
    checks.value.map(({ CheckID, Status, ServiceID }) => [CheckID, Status, ServiceID]),
    [['web-1-c', 'passing', 'web-1']],
  );
  const health = await readServiceHealth(client, 'web');
  assert.deepEqual(
    health.value.map(({ node, service: { ID }, checks: { length } }) => [node.Node, ID, length]),
    [['a', 'web-1', 1]],
  );
  assert.deepEqual((await readServices(client)).value['web'], ['k8s']);
});

test('a node that is not there is no error and has nothing', async () => {
  const { value } = await readNodeServices(client, 'absent');
  assert.deepEqual(value, { node: undefined, services: [] });
  assert.deepEqual((await readNodeChecks(client, 'absent')).value, []);
});

test('a node without services has none', async () => {
  await registerCatalog(client, { Node: 'bare', Address: '10.0.0.1' });
  assert.deepEqual((await readNodeServices(client, 'bare')).value.services, []);
});

test('names are escaped', async () => {
  const odd = 'a/b?c#d e%';
  await registerCatalog(client, { Node: odd, Address: '10.0.0.1' });
  assert.equal((await readNodeServices(client, odd)).value.node?.Node, odd);
});

test('a transaction that is rolled back says which operations were wrong', async () => {
  const outcome = await transaction(client, [setNode('b'), setService('missing', 'x')]);
  assert.deepEqual(outcome, {
    kind: 'rolled-back',
    errors: [{ index: 1, what: 'Missing node registration' }],
  });
  assert.equal((await readNodeServices(client, 'b')).value.node, undefined);
});

test('a transaction that is too large says what the server takes', async () => {
  const many = Array.from({ length: 129 }, () => setNode('c'));
  assert.deepEqual(await transaction(client, many), { kind: 'too-large', limit: 'operations', max: 128 });
  const large = setNode('x'.repeat(600_000));
  assert.deepEqual(await transaction(client, [large]), { kind: 'too-large', limit: 'bytes', max: 524_288 });
  await using proxy = await fakeConsul(status(413, 'Request Entity Too Large'));
  await using behind = await clientOf([proxy.url]);
  assert.deepEqual(await transaction(behind.client, []), {
    kind: 'too-large',
    limit: 'bytes',
    max: undefined,
  });
});

test('a rolled back transaction without JSON or without a reason is no answer of Consul', async () => {
  for (const reply of [status(409, 'Conflict'), status(409, '{"Errors":null}', 'application/json')]) {
    await using server = await fakeConsul(reply);
    await using other = await clientOf([server.url]);
    await assert.rejects(transaction(other.client, []), { code: 'TANDEM_CONSUL_ANSWER_INVALID' });
  }
});

test('200 with errors is rolled back', async () => {
  await using server = await fakeConsul(json({ Results: null, Errors: [{ OpIndex: 0, What: 'no' }] }));
  await using other = await clientOf([server.url]);
  assert.equal((await transaction(other.client, [])).kind, 'rolled-back');
});

test('registrations and deregistrations, and a wrong one with the reason', async () => {
  await registerCatalog(client, {
    Node: 'd',
    Address: '10.0.0.4',
    Service: { ID: 's', Service: 'single', Port: 1 },
    Checks: [{ Node: 'd', CheckID: 'k', Name: 'k', ServiceID: 's' }],
  });
  await deregisterCatalog(client, { Node: 'd', CheckID: 'k' });
  assert.deepEqual((await readNodeChecks(client, 'd')).value, []);
  await deregisterCatalog(client, { Node: 'd', ServiceID: 's' });
  await deregisterCatalog(client, { Node: 'd' });
  await deregisterCatalog(client, { Node: 'd' });
  assert.equal((await readNodeServices(client, 'd')).value.node, undefined);
  const bad = { Node: 'd', Address: '10.0.0.4', Service: { ID: 's', Service: 's', Meta: { 'a/b': '1' } } };
  await assert.rejects(registerCatalog(client, bad), {
    code: 'TANDEM_CONSUL_REFUSED',
    message: /Key contains invalid characters/,
  });
});

test('there is a leader, or there is none', async () => {
  assert.equal(await readLeader(client), '127.0.0.1:8300');
  await using server = await fakeConsul(json(''));
  await using other = await clientOf([server.url]);
  assert.equal(await readLeader(other.client), undefined);
});

test('an agent that has the service, one that has not, and what is no agent', async () => {
  await using agent = await fakeConsul(
    status(200, ''),
    status(404, 'Unknown service ID "a". Ensure that the service ID is passed, not the service name.'),
    status(404, 'not found'),
  );
  await using other = await clientOf([agent.url]);
  assert.equal(await deregisterFromAgent(other.client, 'a/b'), true);
  assert.equal(await deregisterFromAgent(other.client, 'a'), false);
  await assert.rejects(deregisterFromAgent(other.client, 'a'), { code: 'TANDEM_CONSUL_ANSWER_INVALID' });
  assert.equal(agent.seen[0]?.url, '/v1/agent/service/deregister/a%2Fb');
});

test('each request is reported with its endpoint and status', () => {
  const kinds = new Set(held.reports.map((report) => `${report.endpoint} ${report.status}`));
  for (const expected of ['transaction 409', 'transaction 413', 'node-services 200', 'catalog-register 500'])
    assert.ok(kinds.has(expected), [...kinds].join());
  assert.ok(held.reports.every(({ milliseconds }) => milliseconds >= 0 && milliseconds < 60_000));
});
