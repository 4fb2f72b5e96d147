import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { turnQueue } from '../../../src/http/turn-queue.ts';

test('a turn answers every small item and one large one, and small ones that come later do not wait', async () => {
  const batches: (readonly string[])[] = [];
  const add = turnQueue<string>(
    (item) => item.startsWith('large'),
    (batch) => batches.push(batch),
  );
  for (const item of ['large-1', 'large-2', 'a', 'large-3', 'b']) add(item);
  await turn();
  add('c');
  await turn();
  await turn();
  assert.deepEqual(batches, [['a', 'b', 'large-1'], ['c', 'large-2'], ['large-3']]);
});
