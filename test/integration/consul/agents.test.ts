/** One agent that is broken: what is written to it fails, and nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consulAgents } from '../../../src/consul/agents.ts';
import { openConsul } from '../../../src/consul/client.ts';
import { fakeConsul, html, reset, status, type Reply } from './fake-consul.ts';

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
