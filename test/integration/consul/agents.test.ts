/** One agent that is broken: what is written to it fails, and nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentUrl } from '../../../src/consul/agent-url.ts';
import { consulAgents } from '../../../src/consul/agents.ts';
import { openConsul } from '../../../src/consul/client.ts';
import { clientOf, fakeConsul, html, json, reset, status, type Reply } from './fake-consul.ts';

const replies: Readonly<Record<string, Reply>> = {
  'closes the connection': reset,
  'is a proxy': html,
  'has an error': status(500, 'panic'),
};
const signal = new AbortController().signal;
const check = { id: 'c', name: 'c', status: 'passing', output: '' } as const;

for (const [what, reply] of Object.entries(replies)) {
  test(`an agent that ${what}: every write is refused, with the reason, and none throws`, async () => {
    await using server = await fakeConsul(reply);
    const client = await openConsul({
      addresses: () => [],
      token: { kind: 'none' },
      caFile: undefined,
      serverName: undefined,
      datacenter: undefined,
      namespace: undefined,
    });
    const agents = consulAgents(client, () => server.url);
    const outcomes = await Promise.all([
      agents.register('h', { source: 'Pod/a/b', uid: 'u', id: 'i', definition: {} }, signal),
      agents.deregister('h', 'i', signal),
      agents.setCheck('h', { source: 'Pod/a/b', service: 'i', check, isNew: true }, signal),
    ]);
    for (const outcome of outcomes) {
      assert.ok(outcome.kind === 'refused');
      assert.ok(outcome.reason.includes(server.url), outcome.reason);
    }
    await client.close();
  });
}

test('a host that is no IP address is one refused host, and the token goes nowhere', async () => {
  await using server = await fakeConsul(json({}));
  await using opened = await clientOf([server.url]);
  const port = Number(new URL(server.url).port);
  const agents = consulAgents(opened.client, (host) => agentUrl(host, { port, tls: false }));
  const host = 'u@127.0.0.1';
  const outcomes = await Promise.all([
    agents.register(host, { source: 'Pod/a/b', uid: 'u', id: 'i', definition: {} }, signal),
    agents.deregister(host, 'i', signal),
    agents.setCheck(host, { source: 'Pod/a/b', service: 'i', check, isNew: false }, signal),
  ]);
  for (const outcome of outcomes) assert.match(outcome.kind === 'refused' ? outcome.reason : '', /"u@127/);
  assert.equal(await agents.read(host, signal), undefined);
  assert.equal(server.seen.length, 0);
});

test('a node of the catalog that Consul cannot tell of is named, and the others are read', async () => {
  const node = (Node: string, Address: string): object => ({ ID: Node, Node, Address, Meta: {} });
  const instance = {
    ID: 'web-0',
    Service: 'web',
    Meta: { 'managed-by': 'tandem', 'external-source': 'kubernetes', 'pod-uid': 'u', 'tandem-owner': 'c1' },
  };
  await using server = await fakeConsul((response, seen, request) => {
    const { pathname } = new URL(seen.url, 'http://h');
    // Go's mux answers a path with `..` in it like this.
    if (seen.url.includes('/..')) return status(301, 'Moved Permanently')(response, seen, request);
    if (pathname.endsWith('/nodes'))
      return json([node('..', 'a/b'), node('node-1', 'a b\n')])(response, seen, request);
    return json({ Node: node('node-1', 'a b\n'), Services: [instance] })(response, seen, request);
  });
  await using opened = await clientOf([server.url]);
  const { nodes, unreadable } = await consulAgents(opened.client, () => server.url).nodes('c1', signal);
  assert.deepEqual(
    nodes.map(({ name, instances }) => [name, instances.length]),
    [['node-1', 1]],
  );
  assert.deepEqual(
    unreadable.map(({ name }) => name),
    ['..'],
  );
});
