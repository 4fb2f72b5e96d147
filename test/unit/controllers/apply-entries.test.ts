/** Changes of config entries against a Consul that refuses some of them at first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntryChange } from '../../../src/catalog/config-entries/entry-plan.ts';
import { applyEntries } from '../../../src/controllers/apply-entries.ts';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { ENTRY_SETTINGS, removalOf, writeOf } from './entry-changes.ts';

/** @param isRefused by what was applied before */
async function applied(
  changes: readonly EntryChange[],
  isRefused: (change: EntryChange, before: readonly string[]) => boolean,
): Promise<{ readonly done: readonly string[]; readonly asked: number }> {
  const done: string[] = [];
  let asked = 0;
  const nothing = (): undefined => undefined;
  await applyEntries(
    {
      writer: {
        mayRemove: () => Promise.resolve(undefined),
        write: (change) => {
          asked += 1;
          if (isRefused(change, done)) return Promise.resolve({ kind: 'refused', reason: 'no' });
          done.push(`${change.action} ${change.key}`);
          return Promise.resolve({ kind: 'applied' });
        },
      },
      entries: { readOne: () => Promise.resolve(undefined) },
      settings: ENTRY_SETTINGS,
      memory: createEntryMemory(() => 0),
      reporter: { refused: nothing, acceptedOtherwise: nothing },
      applied: nothing,
    },
    changes,
    new AbortController().signal,
  );
  return { done, asked };
}

const renamed = writeOf('TerminatingGateway', 'shop/edge');
const former = removalOf('TerminatingGateway', 'shop/old', renamed.key);
const other = removalOf('IngressGateway', 'shop/edge');

test('what waits for a write goes with it, also when Consul takes that only in a later round', async () => {
  const { done } = await applied(
    [renamed, former, other],
    (change, before) => change === renamed && !before.includes(`delete ${other.key}`),
  );
  assert.deepEqual(done, [`delete ${other.key}`, `create ${renamed.key}`, `delete ${former.key}`]);
});

test('what waits for a write that is refused stays, and does not have that asked for again', async () => {
  assert.deepEqual(await applied([renamed, former], (change) => change === renamed), { done: [], asked: 1 });
});
