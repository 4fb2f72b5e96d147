/** A change in the cluster is to be in Consul within 2 s: what it took, against that. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

const PROMISED_SECONDS = 2;

/** Prints it too, so that somebody sees it come near. */
export function assertInTime(context: TestContext, seconds: number, changes = 1): void {
  const promised = PROMISED_SECONDS * changes;
  context.diagnostic(`${seconds.toFixed(2)} s of ${promised} s`);
  assert.ok(seconds < promised, `${seconds} s`);
}
