import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { turnQueue } from '../../../src/http/turn-queue.ts';

test('a turn answers every small item and one large one, and small ones that come later do not wait', async () => {
  const batches: (readonly string[])[] = [];
  const add = turnQueue<string>(
    (item) => item.startsWith('large'),
    (batch) => {
      batches.push(batch);
      return batch.length;
    },
  );
  for (const item of ['large-1', 'large-2', 'a', 'large-3', 'b']) add(item);
  await turn();
  add('c');
  await turn();
  await turn();
  assert.deepEqual(batches, [['a', 'b', 'large-1'], ['c', 'large-2'], ['large-3']]);
});

test('what a turn leaves comes first in the next one, ahead of what came meanwhile', async () => {
  const batches: (readonly string[])[] = [];
  const add = turnQueue<string>(
    (item) => item.startsWith('large'),
    (batch) => {
      batches.push(batch);
      return 1;
    },
  );
  for (const item of ['large-1', 'a', 'b', 'large-2']) add(item);
  await turn();
  add('c');
  for (let count = 0; count < 4; count += 1) await turn();
  assert.deepEqual(batches, [
    ['a', 'b', 'large-1'],
    ['b', 'large-1', 'c'],
    ['large-1', 'c'],
    ['c', 'large-2'],
    ['large-2'],
  ]);
});
