import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkQueue } from '../../../src/reconcile/work-queue.ts';

test('what is urgent is taken whole, and of the rest no more than asked for, few of a group first', () => {
  const queue = createWorkQueue();
  for (const key of ['a1', 'a2', 'a3']) queue.add(key, 0, 'a');
  queue.add('b1', 1, 'b');
  queue.add('now', 2);
  assert.equal(queue.size(), 5);
  assert.deepEqual(
    [...queue.take(2)],
    [
      ['now', 2],
      ['b1', 1],
      ['a1', 0],
    ],
  );
  assert.deepEqual(
    [...queue.take()].map(([key]) => key),
    ['a2', 'a3'],
  );
  assert.deepEqual([queue.size(), queue.due(), queue.oldest()], [0, undefined, undefined]);
});

test('a key that becomes urgent keeps the time of its first event, and does not become one that can wait', () => {
  const queue = createWorkQueue();
  queue.add('pod', 100, 'a');
  assert.deepEqual([queue.due(), queue.urgentDue(), queue.oldest()], [200, undefined, 100]);
  queue.add('pod', 150);
  queue.add('pod', 160, 'a');
  assert.deepEqual([queue.due(), queue.urgentDue(), queue.size()], [260, 260, 1]);
  assert.deepEqual([...queue.take(0)], [['pod', 100]]);
});

test('it is due when it has been quiet, or when the first has waited enough', () => {
  const queue = createWorkQueue({ quiet: 100, most: 250 });
  for (let now = 0; now <= 240; now += 40) queue.add('pod', now);
  assert.equal(queue.due(), 250);
});
