/** What the status of an object says, and when it is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEntryObject, type EntryObject } from '../../../../src/catalog/config-entries/entry-object.ts';
import type { FailedState } from '../../../../src/catalog/config-entries/entry-state.ts';
import {
  heldEntryId,
  statusAfter,
  type EntryOutcome,
} from '../../../../src/catalog/config-entries/entry-status.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const LATER = NOON + 60_000;

function objectWith(status: object, generation = 1): EntryObject {
  const metadata = { name: 'web', namespace: 'shop', uid: 'u', generation };
  const object = readEntryObject({ kind: 'ServiceDefaults', metadata, status });
  assert.ok(object !== undefined);
  return object;
}

function after(
  status: object,
  outcome: EntryOutcome,
  now = NOON,
  generation = 1,
): Readonly<Record<string, unknown>> | undefined {
  return statusAfter(objectWith(status, generation), outcome, now);
}

const WRITTEN: EntryOutcome = { kind: 'written', notes: [], entryId: undefined };
const SYNCED: EntryOutcome = { kind: 'synced', notes: [], entryId: undefined };
const REFUSED: EntryOutcome = { kind: 'refused', reason: 'no' };
const UNKNOWN: EntryOutcome = { kind: 'unknown', message: 'no server' };

const first = after({}, WRITTEN) ?? {};

test('the first status has the condition, both generations and the time', () => {
  assert.deepEqual(first, {
    conditions: [
      {
        type: 'Synced',
        status: 'True',
        reason: 'Synced',
        message: '',
        lastTransitionTime: '2026-01-01T12:00:00Z',
        observedGeneration: 1,
      },
    ],
    lastSyncedTime: '2026-01-01T12:00:00Z',
    observedGeneration: 1,
  });
});

test('a terminal obeys nothing of what Consul says', () => {
  const status = after({}, { kind: 'refused', reason: '2 errors:\n\t* \u001b[2J\u202e' });
  const conditions = status?.['conditions'] as readonly { readonly message: string }[] | undefined;
  assert.equal(conditions?.[0]?.message, '2 errors: * \\x1b[2J\\u{202e}');
});

test('what means the same is not written', () => {
  assert.equal(after(first, SYNCED, LATER), undefined);
  const refused = after({}, REFUSED) ?? {};
  assert.equal(after(refused, REFUSED, LATER), undefined);
});

test('lastSyncedTime moves with a write, lastTransitionTime only with the status', () => {
  const again = after(first, WRITTEN, LATER, 2) as {
    conditions: { lastTransitionTime: string }[];
    lastSyncedTime: string;
  };
  assert.equal(again.lastSyncedTime, '2026-01-01T12:01:00Z');
  assert.equal(again.conditions[0]?.lastTransitionTime, '2026-01-01T12:00:00Z');
  const refused = after(first, REFUSED, LATER, 2) as typeof again;
  assert.equal(refused.lastSyncedTime, '2026-01-01T12:00:00Z');
  assert.equal(refused.conditions[0]?.lastTransitionTime, '2026-01-01T12:01:00Z');
});

test('the first True without a write has its time, too', () => {
  const status = after({}, { kind: 'elsewhere', message: 'theirs' });
  assert.equal(status?.['lastSyncedTime'], '2026-01-01T12:00:00Z');
});

test('while Consul is away, only an object with a pending change says so', () => {
  assert.equal(after(first, UNKNOWN, LATER), undefined);
  const pending = after(first, UNKNOWN, LATER, 2) as {
    conditions: { status: string; reason: string }[];
    observedGeneration: number;
  };
  assert.equal(pending.conditions[0]?.status, 'Unknown');
  assert.equal(pending.conditions[0]?.reason, 'ConsulUnreachable');
  assert.equal(pending.observedGeneration, 1);
  assert.equal(after(pending, UNKNOWN, LATER + 1000, 2), undefined);
  assert.ok(after({}, UNKNOWN) !== undefined);
});

test('which entry it was stays until somebody else has it, and is kept while nothing is known', () => {
  const held = (status: object, outcome: EntryOutcome): [unknown, string | undefined] => {
    const next = after(status, outcome, LATER, 2) ?? {};
    return [next['entryId'], heldEntryId({ status: next })];
  };
  const mine = after({}, { ...WRITTEN, entryId: 'a.consul/7' }) ?? {};
  assert.equal(mine['entryId'], 'a.consul/7');
  assert.deepEqual(held(mine, { ...SYNCED, entryId: 'a.consul/9' }), ['a.consul/9', 'a.consul/9']);
  for (const outcome of [SYNCED, REFUSED, UNKNOWN])
    assert.deepEqual(held(mine, outcome), ['a.consul/7', 'a.consul/7']);
  const theirs: EntryOutcome = { kind: 'elsewhere', message: 'theirs' };
  // A merge patch would leave a key that it does not have.
  assert.deepEqual(held(mine, theirs), ['', undefined]);
  assert.deepEqual(held(first, theirs), [undefined, undefined]);
  const failed = (reason: FailedState['reason']): EntryOutcome => ({ kind: 'failed', reason, message: 'no' });
  for (const reason of ['ExternallyManagedConfigError', 'MigrationFailedError', 'NameTaken'] as const)
    assert.deepEqual(held(mine, failed(reason)), ['', undefined], reason);
  // Which says nothing of the entry.
  for (const reason of ['InvalidSpec', 'UnsupportedByConsul', 'NamespaceNotAllowed'] as const)
    assert.deepEqual(held(mine, failed(reason)), ['a.consul/7', 'a.consul/7'], reason);
});

test('conditions of others stay', () => {
  const other = { type: 'Ready', status: 'True' };
  const status = after({ conditions: [other] }, WRITTEN) as { conditions: unknown[] };
  assert.deepEqual(status.conditions[0], other);
  assert.equal(status.conditions.length, 2);
});
