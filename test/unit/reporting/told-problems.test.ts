/** What was told once is not told again, and keeps the time from which on it holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toldProblems } from '../../../src/reporting/told-problems.ts';

test('a text is new once, as long as it holds, and the oldest that holds gives the time', () => {
  let now = 1;
  const told = toldProblems(() => now);
  assert.deepEqual([...told.tell('web', ['a'])], ['a']);
  now = 2;
  assert.deepEqual([...told.tell('web', ['a', 'b'])], ['b']);
  assert.equal(told.since('web'), 1);
  now = 3;
  assert.deepEqual([...told.tell('web', ['b'])], []);
  assert.equal(told.since('web'), 2);
  assert.deepEqual([...told.tell('web', ['a', 'b'])], ['a'], 'what was repaired and came back is news');
  assert.deepEqual([...told.tell('web', [])], []);
  assert.equal(told.since('web'), undefined);
  assert.deepEqual([...told.sources()], []);
});
