/** What is said of an answer that cannot be used as a Lease. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseLock } from '../../../src/kubernetes/lease-lock.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';

const answers: readonly [number, unknown, string][] = [
  [200, { kind: 'Status' }, 'Lease sync: status 200, but the answer is not a Lease'],
  [403, { message: 'denied' }, 'Lease sync: status 403, "denied"'],
];
for (const [status, body, said] of answers) {
  test(said, async () => {
    const client = { request: () => Promise.resolve({ status, body, weight: 0, headers: {} }) };
    const options = { namespace: 'tandem', name: 'sync', identity: 'one', duration: 1000 };
    const attempt = await leaseLock({ client, ...options, clock: systemClock }).attempt(
      new AbortController().signal,
    );
    assert.equal(attempt.kind === 'failed' ? attempt.error.message : attempt.kind, said);
  });
}
