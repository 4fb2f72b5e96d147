import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { turnQueue } from '../../../src/http/turn-queue.ts';

/** Of items such as `large-x-y-1`, the first large one that x has asked for y; each turn takes up to `most` of its batch. */
function queueInto(batches: (readonly string[])[], most = Infinity): (item: string) => void {
  return turnQueue<string>({
    isLarge: (item) => item.startsWith('large'),
    askersOf: (item) => item.split('-').slice(1, -1),
    answer: (batch) => {
      const taken: string[] = [];
      for (const item of batch) if (taken.push(item) >= most) break;
      batches.push(taken);
    },
  });
}

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await turn();
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
  assert.deepEqual(batches, [['a'], ['large-x-1'], ['b'], ['c']]);
});

test('nobody waits for all small items that another one has asked for', async () => {
  const batches: (readonly string[])[] = [];
  const add = queueInto(batches, 2);
  for (const item of ['a-x-1', 'a-x-2', 'a-x-3', 'a-x-4', 'a-y-1']) add(item);
  await turns(1);
  add('a-z-1');
  await turns(2);
  assert.deepEqual(batches, [
    ['a-x-1', 'a-y-1'],
    ['a-x-2', 'a-z-1'],
    ['a-x-3', 'a-x-4'],
  ]);
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

test('who asks for many is one asker beside another', async () => {
  const batches: (readonly string[])[] = [];
  const add = queueInto(batches);
  for (const item of [
    'large-s-a-1',
    'large-s-a-2',
    'large-s-b-1',
    'large-s-c-1',
    'large-t-a-1',
    'large-t-a-2',
  ])
    add(item);
  await turns(6);
  assert.deepEqual(batches.flat(), [
    'large-s-a-1',
    'large-t-a-1',
    'large-s-b-1',
    'large-t-a-2',
    'large-s-c-1',
    'large-s-a-2',
  ]);
});
