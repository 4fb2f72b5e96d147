import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leadership } from '../../../src/runtime/leadership.ts';
import { leaderTerm } from '../../../src/kubernetes/leader-term.ts';

test('a term that nobody has told to be over is over by the clock, and so is every write', () => {
  let now = 0;
  // Its timers never fire, as in a process that was stopped.
  const clock = { now: () => now, elapsed: () => now, after: () => () => undefined };
  const held = leaderTerm(clock, 8000);
  held.renewed(0);
  const { mayWrite, during } = leadership(true, () => undefined);
  assert.equal(mayWrite(), false);
  void during(held.term, () => new Promise(() => undefined));
  now = 7999;
  assert.equal(mayWrite(), true);
  now = 8000;
  assert.equal(mayWrite(), false);
});

test('without an election it may always write', () => {
  assert.equal(leadership(false, () => undefined).mayWrite(), true);
});

test('it leads while its work lasts, and tells of both ends', async () => {
  const told: boolean[] = [];
  const work = Promise.withResolvers<void>();
  const leading = leadership(true, () => told.push(leading.isLeading()));
  const { signal } = new AbortController();
  const done = leading.during({ signal, isHeld: () => true }, () => work.promise);
  assert.deepEqual([leading.isLeading(), told], [true, [true]]);
  work.resolve();
  await done;
  assert.deepEqual([leading.isLeading(), told], [false, [true, false]]);
});
