import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoop } from '../../../src/reconcile/loop.ts';
import { createVirtualClock } from '../controllers/virtual-clock.ts';

// As good as 1: a retry is never later than this.
const LATEST = 0.999;

function start() {
  const clock = createVirtualClock();
  const retries: number[] = [];
  const other = { isThere: false };
  let due: number | undefined = clock.elapsed();
  const loop = createLoop({
    clock,
    random: () => LATEST,
    due: () => due,
    reconcile: async () => {
      if (!other.isThere) throw new Error('no answer');
      due = undefined;
    },
    failed: (_error, delay) => retries.push(Math.round(delay)),
    isDone: () => false,
  });
  const stop = new AbortController();
  void loop.run(stop.signal);
  const reconcile = (): void => {
    due = clock.elapsed();
    loop.notify();
  };
  return { clock, other, retries, reconcile, stop: () => stop.abort() };
}

test('before its first success it tries every second: who installs both sides makes pods at once', async () => {
  const { clock, retries, stop } = start();
  await clock.advance(10_000);
  stop();
  assert.deepEqual(retries.slice(0, 3), [799, 999, 999]);
  assert.equal(retries.length, 11);
});

test('after it, the pauses grow to four seconds, and begin again with each success', async () => {
  const { clock, other, retries, reconcile, stop } = start();
  other.isThere = true;
  await clock.advance(2000);
  for (let outage = 0; outage < 2; outage += 1) {
    retries.length = 0;
    other.isThere = false;
    reconcile();
    await clock.advance(12_000);
    assert.deepEqual(retries.slice(0, 4), [799, 1598, 3197, 3996]);
    other.isThere = true;
    await clock.advance(4000);
  }
  stop();
});
