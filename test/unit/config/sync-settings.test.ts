import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { syncFlagProblems, syncFlags } from '../../../src/config/sync-flags.ts';
import { ownerName } from '../../../src/config/sync-settings.ts';

test('an owner that would make the node of its pods that of a catalog sync is refused', () => {
  for (const text of ['sync', 'sync-east']) assert.equal(ownerName(text).ok, false, text);
  for (const text of ['syncs', 'east-sync', '0a1b2c3d']) assert.equal(ownerName(text).ok, true, text);
});

test('a delay of a leader where nobody leads is refused', () => {
  const problems = (...args: readonly string[]): readonly string[] => {
    const parsed = parseFlags(syncFlags, args, {});
    assert.ok(parsed.ok);
    return syncFlagProblems(parsed.values);
  };
  assert.deepEqual(problems('--shutdown-delay=5'), []);
  assert.deepEqual(problems('--leader-election=false'), []);
  assert.match(
    problems('--shutdown-delay=5', '--leader-election=false').join(),
    /^--shutdown-delay is for --leader-election/,
  );
});
