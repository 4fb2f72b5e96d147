/** The status of an object: what its condition says, and whether it has changed. */
import { isDeepStrictEqual } from 'node:util';
import { asString, elementsAt, filledAt, isObject, property, type JsonObject } from '../../support/json.ts';
import { oneLine } from '../../support/text.ts';
import type { EntryObject } from './entry-object.ts';
import type { EntryReason, SettledState } from './entry-state.ts';

/** What the condition `Synced` says; in a status also when it began to. */
export type Condition = {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: EntryReason;
  readonly message: string;
};

/** The state of an object after its change was tried. */
export type EntryOutcome =
  | SettledState
  /** As `synced`. */
  | { readonly kind: 'written'; readonly notes: readonly string[]; readonly entryId: string | undefined }
  /** Consul's text. */
  | { readonly kind: 'refused'; readonly reason: string };

const CONDITION = 'Synced';

/**
 * The status to write, or undefined when the present one means the same. `lastTransitionTime` moves only with the status of the
 * condition; `lastSyncedTime` when something was written, and with the first True.
 *
 * @param now milliseconds since the epoch
 */
export function statusAfter(object: EntryObject, outcome: EntryOutcome, now: number): JsonObject | undefined {
  const old = conditionOf(object.status);
  const isPending = old === undefined || observedGeneration(object.status) !== object.generation;
  // What was true of this generation stays true while Consul does not answer.
  if (outcome.kind === 'unknown' && !isPending) return undefined;
  const condition = conditionAfter(outcome);
  const time = new Date(now).toISOString().replace(/\.[0-9]+Z$/, 'Z');
  const isSynced = condition.status === 'True';
  const lastSynced = asString(property(object.status, 'lastSyncedTime'));
  const lastSyncedTime =
    outcome.kind === 'written' || (isSynced && lastSynced === undefined) ? time : lastSynced;
  // Nothing is known of this generation, so nothing is said of it.
  const generation = outcome.kind === 'unknown' ? observedGeneration(object.status) : object.generation;
  const entryId = entryIdAfter(object, outcome);
  const isSameStatus = asString(old?.['status']) === condition.status;
  const next: JsonObject = {
    conditions: [
      ...elementsAt(object.status, 'conditions').filter((each) => property(each, 'type') !== CONDITION),
      {
        type: CONDITION,
        ...condition,
        lastTransitionTime: (isSameStatus ? asString(old?.['lastTransitionTime']) : undefined) ?? time,
        ...(generation === undefined ? {} : { observedGeneration: generation }),
      },
    ],
    ...(lastSyncedTime === undefined ? {} : { lastSyncedTime }),
    ...(entryId === undefined ? {} : { entryId }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return isDeepStrictEqual(next, object.status) ? undefined : next;
}

/** `id` of the entry that the object had last; undefined when it had none, or when that is somebody else's by now. */
export function heldEntryId({ status }: Pick<EntryObject, 'status'>): string | undefined {
  return filledAt(status, 'entryId');
}

function entryIdAfter(object: EntryObject, outcome: EntryOutcome): string | undefined {
  const held = heldEntryId(object);
  switch (outcome.kind) {
    case 'synced':
    case 'written':
      return outcome.entryId ?? held;
    case 'refused':
    case 'unknown':
      return held;
    case 'elsewhere':
    case 'failed':
      if (!isSomebodyElses(outcome)) return held;
      // A merge patch keeps what it does not name.
      return property(object.status, 'entryId') === undefined ? undefined : '';
  }
}

const OF_OTHERS: readonly EntryReason[] = [
  'ExternallyManagedConfigError',
  'MigrationFailedError',
  'NameTaken',
];

/** Whether the entry belongs to somebody else. That is unknown for an object that is invalid, or of which nothing is known. */
export function isSomebodyElses(outcome: EntryOutcome): boolean {
  return outcome.kind === 'elsewhere' || (outcome.kind === 'failed' && OF_OTHERS.includes(outcome.reason));
}

/** Both sides agreed about this generation of the object, and the entry is ours. */
export function isInStep({ status, generation }: EntryObject): boolean {
  const condition = conditionOf(status);
  return (
    condition?.['status'] === 'True' &&
    condition['reason'] === ('Synced' satisfies EntryReason) &&
    observedGeneration(status) === generation
  );
}

/** A message repeats foreign texts, such as Consul's answers; no control character of theirs reaches a terminal. */
export function conditionAfter(outcome: EntryOutcome): Condition {
  const { message, ...said } = conditionOfOutcome(outcome);
  return { ...said, message: oneLine(message) };
}

function conditionOfOutcome(outcome: EntryOutcome): Condition {
  switch (outcome.kind) {
    case 'synced':
    case 'written':
      return { status: 'True', reason: 'Synced', message: noted(outcome.notes) };
    case 'elsewhere':
      return { status: 'True', reason: 'ManagedElsewhere', message: outcome.message };
    case 'unknown':
      return { status: 'Unknown', reason: 'ConsulUnreachable', message: outcome.message };
    case 'refused':
      return { status: 'False', reason: 'ConsulAgentError', message: outcome.reason };
    case 'failed':
      return { status: 'False', reason: outcome.reason, message: outcome.message };
  }
}

/** What a status says; undefined when it has no such condition. */
export function syncedCondition(status: unknown): Condition | undefined {
  const condition = conditionOf(status);
  if (condition === undefined) return undefined;
  const text = (key: string): string => asString(condition[key]) ?? '';
  return { status: text('status'), reason: text('reason'), message: text('message') } as Condition;
}

function noted(notes: readonly string[]): string {
  return notes.length === 0 ? '' : `Consul accepts it, but it cannot work: ${notes.join('; ')}`;
}

function conditionOf(status: unknown): JsonObject | undefined {
  const found = elementsAt(status, 'conditions').find(
    (each: unknown) => property(each, 'type') === CONDITION,
  );
  return isObject(found) ? found : undefined;
}

/** Of the status, or of its condition; undefined where an older CRD does not keep either. */
function observedGeneration(status: unknown): number | undefined {
  const found = property(status, 'observedGeneration');
  return typeof found === 'number' ? found : undefined;
}
