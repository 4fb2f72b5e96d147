import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leadership } from '../../../src/runtime/leadership.ts';
import { leaderTerm } from '../../../src/kubernetes/leader-term.ts';
import type { ApiClient } from '../../../src/kubernetes/api-client.ts';
import { writesWhile } from '../../../src/kubernetes/writes-while.ts';
import { TandemError } from '../../../src/support/errors.ts';

test('a term that nobody has told to be over is over by the clock, and so is every write', async () => {
  let now = 0;
  // Its timers never fire, as in a process that was stopped.
  const clock = { now: () => now, elapsed: () => now, after: () => () => undefined };
  const held = leaderTerm(clock, 8000);
  held.renewed(0);
  const { mayWrite, during } = leadership(true, () => undefined);
  const sent: string[] = [];
  const client: Pick<ApiClient, 'request'> = {
    request: async (method) => {
      sent.push(method);
      return { status: 200, body: {}, weight: 2, headers: {} };
    },
  };
  const guarded = writesWhile(client, mayWrite);
  const refused = (method: string) =>
    assert.rejects(
      guarded.request(method, '/x'),
      (error) => error instanceof TandemError && error.code === 'TANDEM_NOT_LEADING',
    );
  await refused('POST');
  void during(held.term, () => new Promise(() => undefined));
  now = 7999;
  await guarded.request('PATCH', '/x');
  now = 8000;
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) await refused(method);
  await guarded.request('GET', '/x');
  assert.deepEqual(sent, ['PATCH', 'GET']);
});

test('without an election it may always write', () => {
  assert.equal(leadership(false, () => undefined).mayWrite(), true);
});
