import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createKeyBackoff } from '../../../src/reconcile/key-backoff.ts';

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

test('a key that fails again and again is tried less and less often; after ten minutes it is new', () => {
  const backoffs = createKeyBackoff(() => 1);
  const spans = [0, 5000, 15_000, 35_000].map((now) => {
    backoffs.failed('a', now);
    const due = backoffs.due() ?? 0;
    assert.deepEqual(backoffs.take(due), ['a']);
    return due - now;
  });
  assert.deepEqual(spans, [5000, 10_000, 20_000, 40_000]);
  backoffs.failed('a', 700_000);
  assert.equal(backoffs.due(), 705_000);
});

test('keys that never come back, such as those of pods, take no memory for ever', () => {
  const backoffs = createKeyBackoff(() => 1);
  const before = heapUsed();
  for (let index = 0; index < 200_000; index += 1) {
    backoffs.failed(`node-1 pod-${index}`, index * 1000);
    if (index % 100 === 0) backoffs.take(index * 1000);
  }
  const grown = heapUsed() - before;
  assert.ok(grown < 5_000_000, `${grown} bytes`);
  // Still in use: what is asked of here cannot be collected before.
  assert.ok(backoffs.isWaiting('node-1 pod-199999'));
});
