/** When the lists of a new leader count for a plan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFirstRemovals } from '../../../src/controllers/first-removals.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../../../src/reconcile/deletion-guard.ts';
import { createVirtualClock } from './virtual-clock.ts';

test('lists that come while a plan is made allow none of its removals', async () => {
  const clock = createVirtualClock();
  const listed = Promise.withResolvers<void>();
  const held: number[] = [];
  const { guard, begun, due, run } = createFirstRemovals(createDeletionGuard(clock, MANY_AT_ONCE), true, {
    relist: () => new Map([['services', listed.promise]]),
    reporter: {
      unlisted: (removals) => held.push(removals),
      released: () => held.push(0),
      failed: () => undefined,
      succeeded: () => undefined,
    },
    clock,
    notify: () => undefined,
  });
  const running = run(new AbortController().signal);
  begun();
  assert.deepEqual([...guard.withheld(['a', 'b'], 5, false)], ['a', 'b']);
  // A plan of one source, in between.
  assert.deepEqual([...guard.withheld(['b'], 5, false)], ['b']);
  begun();
  listed.resolve();
  await running;
  assert.deepEqual([...guard.withheld(['a'], 5, false)], ['a'], 'its first part has the old view');
  assert.equal(due(), clock.elapsed());
  begun();
  assert.deepEqual([...guard.withheld(['a'], 5, false)], []);
  assert.deepEqual([due(), held], [undefined, [2, 1, 0]]);
});
