/** A login counts for the gate to `require` when a pod that runs now may have asked for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRunningSince, rolesInUse } from '../../../src/secure/component-login.ts';

const MADE = Date.parse('2026-01-01T00:00:00Z');
const MINUTE = 60_000;
const podMade = (more: object = {}, phase = 'Running') =>
  readRunningSince({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z', ...more }, status: { phase } });
const inUse = (at: number, since: readonly number[]): boolean =>
  rolesInUse([{ at, roles: ['sync'] }], since).has('sync');

test('a token of before the oldest pod says nothing, but for clocks that are a minute apart', () => {
  const since = [MADE + 10 * MINUTE, MADE];
  assert.ok(inUse(MADE + MINUTE, since));
  assert.ok(inUse(MADE - MINUTE, since));
  assert.ok(!inUse(MADE - MINUTE - 1, since));
  assert.ok(!inUse(Number.NaN, since));
});

test('without a pod nobody is logged in', () => {
  assert.ok(!inUse(MADE, []));
});

test('a pod that is at its end does not count, and nothing that is read of one throws', () => {
  assert.equal(podMade(), MADE);
  assert.equal(podMade({}, 'Pending'), MADE);
  assert.equal(podMade({}, 'Failed'), undefined);
  assert.equal(podMade({ deletionTimestamp: '2026-01-01T00:01:00Z' }), undefined);
  for (const raw of [undefined, null, 'x', {}, { metadata: { creationTimestamp: 1 } }])
    assert.equal(readRunningSince(raw), undefined);
});
