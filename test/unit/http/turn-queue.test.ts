import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { turnQueue } from '../../../src/http/turn-queue.ts';

/** Of items such as `large-x-1`, the first large one of x; each batch is answered up to `most`. */
function queueInto(batches: (readonly string[])[], most = Infinity): (item: string) => void {
  return turnQueue<string>({
    isLarge: (item) => item.startsWith('large'),
    askerOf: (item) => item.split('-')[1] ?? '',
    answer: (batch) => {
      batches.push(batch);
      return Math.min(batch.length, most);
    },
  });
}

test('a turn answers every small item before one large one, and small ones that come later do not wait', async () => {
  const batches: (readonly string[])[] = [];
  const add = queueInto(batches);
  for (const item of ['large-x-1', 'large-x-2', 'a', 'large-x-3', 'b']) add(item);
  await turn();
  add('c');
  await turn();
  await turn();
  assert.deepEqual(batches, [['a', 'b'], ['large-x-1'], ['c'], ['large-x-2'], [], ['large-x-3']]);
});

test('what a turn leaves comes first in the next one, ahead of what came meanwhile', async () => {
  const batches: (readonly string[])[] = [];
  const add = queueInto(batches, 1);
  for (const item of ['large-x-1', 'a', 'b']) add(item);
  await turn();
  add('c');
  await turn();
  await turn();
  assert.deepEqual(batches, [['a', 'b'], ['large-x-1'], ['b', 'c'], ['c']]);
});

test('who asks for one large item waits for one of those that another has asked for', async () => {
  const batches: (readonly string[])[] = [];
  const add = queueInto(batches);
  for (const item of ['large-x-1', 'large-x-2', 'large-x-3', 'large-y-1']) add(item);
  await turn();
  await turn();
  add('large-y-2');
  for (let count = 0; count < 3; count += 1) await turn();
  const answered = batches.flat();
  assert.deepEqual(answered, ['large-x-1', 'large-y-1', 'large-x-2', 'large-y-2', 'large-x-3']);
});
