/** The rights of who sends no token: when an answer holds, and how often Consul is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsulCalls } from '../../../src/consul/client.ts';
import { rightsToAll, rightToRead } from '../../../src/consul/rights-to-all.ts';

/** A Consul that answers when the test says. */
function held() {
  const calls: PromiseWithResolvers<unknown>[] = [];
  const client: ConsulCalls = {
    call: <T>() => {
      const call = Promise.withResolvers<unknown>();
      calls.push(call);
      return call.promise as Promise<T>;
    },
  };
  return { calls, ask: rightsToAll(client, () => undefined) };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('who asks during a call gets the answer of the next one, which all of them share', async () => {
  const { calls, ask } = held();
  const first = ask([]);
  await turn();
  const others = [ask([rightToRead('node', 'n1')]), ask([]), ask([rightToRead('service', 'web')])];
  await turn();
  assert.equal(calls.length, 1);
  calls[0]?.resolve([true, true]);
  assert.equal(await first, true);
  await turn();
  assert.equal(calls.length, 2);
  calls[1]?.resolve([true, true, false, true]);
  assert.deepEqual(await Promise.all(others), [false, true, true], 'each by what it asked about');
  const last = [ask([rightToRead('node', 'n1')]), ask([])];
  await turn();
  calls[2]?.resolve([true, false, true]);
  assert.deepEqual(await Promise.all(last), [false, false]);
});

test('a call that fails fails for those who waited for it, and the next one is made', async () => {
  const { calls, ask } = held();
  const first = ask([]);
  await turn();
  const second = ask([]);
  calls[0]?.reject(new Error('no leader'));
  await assert.rejects(first, /no leader/);
  await turn();
  calls[1]?.resolve('acls-off');
  assert.equal(await second, true);
});
