/** Changes of config entries against a Consul that refuses some of them, or that somebody else writes to as well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownMeta, type ObservedEntry } from '../../../src/catalog/config-entries/entry-holder.ts';
import type { EntryChange } from '../../../src/catalog/config-entries/entry-plan.ts';
import { applyEntries, type AppliedEntries } from '../../../src/controllers/apply-entries.ts';
import type { EntryWriteOutcome } from '../../../src/controllers/config-entry-ports.ts';
import { createEntryMemory } from '../../../src/controllers/entry-memory.ts';
import { ENTRY_SETTINGS, removalOf, writeOf } from './entry-changes.ts';

type Applied = AppliedEntries & {
  readonly done: readonly string[];
  readonly asked: number;
  /** Of single entries, and of whole kinds. */
  readonly reads: { readonly single: number; readonly lists: number };
  readonly retryDue: number | undefined;
};

/**
 * @param answer by what was applied before
 * @param known how many entries of the kind there are
 */
async function applied(
  changes: readonly EntryChange[],
  answer: (change: EntryChange, before: readonly string[]) => EntryWriteOutcome['kind'],
  known = 0,
): Promise<Applied> {
  const done: string[] = [];
  const reads = { single: 0, lists: 0 };
  let asked = 0;
  const nothing = (): undefined => undefined;
  const memory = createEntryMemory(() => 0);
  const there = changes.flatMap((change) => (change.action === 'delete' ? [] : entryOf(change)));
  const others = Array.from({ length: known }, (_each, nth) => ({ ...fake, name: `other${nth}` }));
  const result = await applyEntries(
    {
      writer: {
        mayRemove: () => Promise.resolve(undefined),
        write: (change) => {
          asked += 1;
          const kind = answer(change, done);
          if (kind === 'refused') return Promise.resolve({ kind, reason: 'no' });
          if (kind === 'applied') done.push(`${change.action} ${change.key}`);
          return Promise.resolve({ kind });
        },
      },
      entries: {
        entries: () => ({ entries: reads.lists === 0 ? others : [...others, ...there], trouble: undefined }),
        readOne: (_kind, name) => {
          reads.single += 1;
          return Promise.resolve(there.find((each) => each.name === name && done.length > 0));
        },
        refresh: () => Promise.resolve(void (reads.lists += 1)),
      },
      settings: ENTRY_SETTINGS,
      memory,
      reporter: { refused: nothing, acceptedOtherwise: nothing },
      applied: nothing,
    },
    changes,
    new AbortController().signal,
  );
  memory.retain(new Set(), new Set(changes.map(({ key }) => key)));
  return { ...result, done, asked, reads, retryDue: memory.retryDue() };
}

const fake = { entryKind: 'service-defaults', index: 1, id: undefined, meta: {}, entry: {} };

function entryOf({ name, kind, object, entry }: Exclude<EntryChange, { action: 'delete' }>): ObservedEntry {
  const meta = ownMeta(ENTRY_SETTINGS, object);
  return { entryKind: kind.entryKind, name, index: 9, id: `a.consul/${name}`, meta, entry };
}

const renamed = writeOf('TerminatingGateway', 'shop/edge');
const former = removalOf('TerminatingGateway', 'shop/old', renamed.key);
const other = removalOf('IngressGateway', 'shop/edge');

test('what waits for a write goes with it, also when Consul takes that only in a later round', async () => {
  const { done } = await applied([renamed, former, other], (change, before) =>
    change === renamed && !before.includes(`delete ${other.key}`) ? 'refused' : 'applied',
  );
  assert.deepEqual(done, [`delete ${other.key}`, `create ${renamed.key}`, `delete ${former.key}`]);
});

test('what waits for a write that is refused stays, and does not have that asked for again', async () => {
  const { done, asked } = await applied([renamed, former], (change) =>
    change === renamed ? 'refused' : 'applied',
  );
  assert.deepEqual([done, asked], [[], 1]);
});

const many = Array.from({ length: 40 }, (_each, nth) => writeOf('ServiceDefaults', `shop/s${nth}`));

test('one that was written is read by itself, and many of a kind by one list, unless that is long', async () => {
  const readsOf = async (changes: readonly EntryChange[], known: number): Promise<unknown> =>
    (await applied(changes, () => 'applied', known)).reads;
  assert.deepEqual(await readsOf(many.slice(0, 1), 0), { single: 1, lists: 0 });
  assert.deepEqual(await readsOf(many, 0), { single: 0, lists: 1 });
  assert.deepEqual(await readsOf(many, 900), { single: 0, lists: 1 });
  assert.deepEqual(await readsOf(many, 1100), { single: 40, lists: 0 });
});

test('however it was read, it is known which entry was written', async () => {
  for (const known of [0, 1100]) {
    const { outcomes } = await applied(many, () => 'applied', known);
    assert.deepEqual(outcomes.get('service-defaults/s7'), {
      kind: 'written',
      notes: [],
      entryId: 'a.consul/s7',
    });
  }
});

test('an entry that somebody else writes all the time is told so, and rests a second', async () => {
  const { outcomes, asked, retryDue } = await applied(many.slice(0, 1), () => 'stale');
  assert.equal(asked, 3);
  assert.match(JSON.stringify(outcomes.get('service-defaults/s0')), /refused.*somebody else changed/);
  assert.equal(retryDue, 1000);
});
