/** How long a change in the cluster took to be in Consul: 2 s are promised, which the tests with a fake clock hold it to. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

// Ten times what is promised, for a machine that is busy. A change that no event tells is found after 600 s (`--resync`).
const LATEST_SECONDS = 20;

/** Prints it too, so that somebody sees it come near. */
export function assertInTime(context: TestContext, seconds: number, changes = 1): void {
  context.diagnostic(`${seconds.toFixed(2)} s for ${changes} of at most 2 s each`);
  assert.ok(seconds < LATEST_SECONDS * changes, `${seconds} s`);
}
