/** What `/status` says of the passes of a loop, and when its readers are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPassOutcome, passStatus } from '../../../src/reporting/pass-outcome.ts';

test('failures that follow one another keep the time of the first, until a success', () => {
  let now = 0;
  let told = 0;
  const ignore = (): void => undefined;
  const passes = createPassOutcome(
    {
      log: ignore,
      metrics: { newLoop: () => ignore, failure: ignore, heldRemovals: ignore },
      now: () => now,
      changed: () => (told += 1),
    },
    'failed',
  );
  const failAt = (time: number): unknown => {
    now = time;
    passes.failed(new Error('no answer'), 1);
    return passStatus(passes.state()).lastFailure;
  };
  const at = (time: number): string => new Date(time).toISOString();
  assert.deepEqual(failAt(1000), { at: at(1000), since: at(1000), error: 'no answer' });
  assert.deepEqual(failAt(2000), { at: at(2000), since: at(1000), error: 'no answer' });
  now = 3000;
  passes.succeeded();
  assert.deepEqual(failAt(4000), { at: at(4000), since: at(4000), error: 'no answer' });
  passes.hold(3);
  assert.equal(told, 5, 'whoever looks is told of each');
});
