import assert from 'node:assert/strict';
import { test } from 'node:test';
import { held } from '../../../src/http/held.ts';

test('whatever is asked for how often, making it takes a tenth of the time at most', () => {
  let now = 0;
  let made = 0;
  const ask = held(
    () => {
      now += 100;
      return (made += 1);
    },
    () => now,
  );
  assert.deepEqual([ask(), ask()], [1, 1]);
  now += 899;
  assert.equal(ask(), 1);
  now += 1;
  assert.equal(ask(), 2);
  while (now < 100_000) {
    ask();
    now += 1;
  }
  assert.ok(made <= 101, `${made}`);
});
