import assert from 'node:assert/strict';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { test } from 'node:test';
import { sharedLookup } from '../../../src/consul/shared-lookup.ts';

/** A DNS that answers when it is told to, and a client of it. */
function scene() {
  const questions: { readonly hostname: string; readonly answer: PromiseWithResolvers<LookupAddress[]> }[] =
    [];
  let now = 0;
  const lookup = sharedLookup(
    (hostname) => {
      const answer = Promise.withResolvers<LookupAddress[]>();
      questions.push({ hostname, answer });
      return answer.promise;
    },
    () => now,
  );
  const ask = (hostname: string, options: LookupOptions = { all: true }): Promise<unknown> =>
    new Promise((resolve, reject) =>
      lookup(hostname, options, (error, ...found) => (error === null ? resolve(found) : reject(error))),
    );
  return { questions, ask, after: (milliseconds: number) => (now += milliseconds) };
}

const SERVER = [
  { address: '10.0.0.1', family: 4 },
  { address: 'fd00::1', family: 6 },
];

test('a question that nobody answers holds one thread, however many connections ask', async () => {
  const { questions, ask } = scene();
  const first = ask('server-0');
  const second = ask('server-0');
  const other = ask('server-1');
  assert.deepEqual(
    questions.map(({ hostname }) => hostname),
    ['server-0', 'server-1'],
  );
  for (const { answer } of questions) answer.resolve(SERVER);
  for (const found of await Promise.all([first, second, other])) assert.deepEqual(found, [SERVER]);
});

test('an answer that comes late is there for the next attempt, and is not kept', async () => {
  const { questions, ask, after } = scene();
  const first = ask('server-0');
  after(9000);
  questions[0]?.answer.resolve(SERVER);
  await first;
  after(1999);
  assert.deepEqual(await ask('server-0'), [SERVER]);
  assert.equal(questions.length, 1);
  after(1);
  const next = ask('server-0');
  assert.equal(questions.length, 2);
  questions[1]?.answer.resolve([]);
  assert.deepEqual(await next, [[]]);
});

test('an error is told to everybody who asked, and the next one asks again', async () => {
  const { questions, ask } = scene();
  const asked = [ask('server-0'), ask('server-0')];
  questions[0]?.answer.reject(new Error('getaddrinfo EAI_AGAIN'));
  for (const each of asked) await assert.rejects(each, /EAI_AGAIN/);
  void ask('server-0');
  assert.equal(questions.length, 2);
});

test('who wants one address gets the first', async () => {
  const { questions, ask } = scene();
  const one = ask('server-0', {});
  questions[0]?.answer.resolve(SERVER);
  assert.deepEqual(await one, ['10.0.0.1', 4]);
});
