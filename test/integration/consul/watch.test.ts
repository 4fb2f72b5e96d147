/** Blocking queries, against scripts of indexes and against the embedded catalog. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readNodeServices, readServices, type ReadOptions } from '../../../src/consul/read.ts';
import type { Call } from '../../../src/consul/servers.ts';
import { registerCatalog } from '../../../src/consul/write.ts';
import { watch } from '../../../src/consul/watch.ts';
import { startEmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { clientOf, fakeConsul, html, json } from './fake-consul.ts';

const pause = (): Promise<void> => Promise.resolve();

/** Answers of these indexes, each with its place in the script as the value; then the watch is stopped. */
async function follow(
  indexes: readonly number[],
): Promise<{ values: number[]; asked: (number | undefined)[] }> {
  const stop = new AbortController();
  const asked: (number | undefined)[] = [];
  const read = ({ after }: ReadOptions) => {
    const index = indexes[asked.length];
    if (index === undefined) stop.abort();
    const value = asked.push(after?.index) - 1;
    return Promise.resolve({
      value,
      index: index ?? 0,
      filteredByAcls: false,
    });
  };
  const values: number[] = [];
  for await (const answer of watch(read, { signal: stop.signal, pause })) {
    if (!stop.signal.aborted) values.push(answer.value);
  }
  return { values, asked };
}

const scripts: readonly [string, number[], number[], (number | undefined)[]][] = [
  ['a new index is a new answer', [5, 6, 9], [0, 1, 2], [undefined, 5, 6, 9]],
  ['the same index is no answer', [5, 5, 5, 6], [0, 3], [undefined, 5, 5, 5, 6]],
  ['an index that goes backwards starts over', [50, 3, 3], [0, 2], [undefined, 50, undefined, 3]],
  ['an index of 0 starts over each time', [0, 0, 4], [0, 1, 2], [undefined, undefined, undefined, 4]],
  ['an index that falls to 0 starts over', [7, 0, 7], [0, 2], [undefined, 7, undefined, 7]],
];
for (const [what, indexes, values, asked] of scripts) {
  test(what, async () => {
    assert.deepEqual(await follow(indexes), { values, asked });
  });
}

test('a change comes, and a stop ends the query that is held', async () => {
  await using catalog = await embedded();
  await using held = await clientOf([catalog.url]);
  const stop = new AbortController();
  const seen: number[] = [];
  const read = (options: ReadOptions) => readNodeServices(held.client, 'n', options);
  for await (const { value } of watch(read, { signal: stop.signal, pause })) {
    seen.push(value.services.length);
    if (seen.length === 3) break;
    const id = `s-${seen.length}`;
    await registerCatalog(held.client, { Node: 'n', Address: '10.0.0.1', Service: { ID: id, Service: 's' } });
  }
  assert.deepEqual(seen, [0, 1, 2]);
  const later = watch(read, { signal: stop.signal, pause });
  assert.equal((await later.next()).done, false);
  const next = later.next();
  stop.abort();
  assert.equal((await next).done, true);
});

test('a failed read ends the watch with its error', async () => {
  await using server = await fakeConsul(json({}, { 'x-consul-index': '5' }), html);
  await using held = await clientOf([server.url]);
  const watched = watch((options) => readServices(held.client, options), {
    signal: new AbortController().signal,
    waitSeconds: 7,
    pause,
  });
  assert.equal((await watched.next()).done, false);
  await assert.rejects(watched.next(), { code: 'TANDEM_CONSUL_ANSWER_INVALID' });
  const query = new URL(server.seen[1]?.url ?? '', server.url).searchParams;
  assert.deepEqual(Object.fromEntries(query), { index: '5', wait: '7s' });
});

test('a held query has its wait, a sixteenth of it, and 5 s', async () => {
  const calls: Call<unknown>[] = [];
  const call = <T>(made: Call<T>): Promise<T> => {
    calls.push(made);
    return Promise.reject(new Error('not sent'));
  };
  const client = { call, leave: () => undefined, close: () => Promise.resolve() };
  await assert.rejects(readServices(client, { after: { index: 1, waitSeconds: 160 } }));
  await assert.rejects(readServices(client));
  assert.deepEqual(
    calls.map(({ blocking, timeout }) => [blocking, timeout]),
    [
      [true, 175_000],
      [undefined, undefined],
    ],
  );
});

async function embedded() {
  const catalog = await startEmbeddedConsul();
  return { url: catalog.url, [Symbol.asyncDispose]: () => catalog.close() };
}
