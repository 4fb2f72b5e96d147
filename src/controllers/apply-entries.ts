/** Writes a plan of config entries step by step; what Consul refuses is tried again after everything else, while that makes progress. */
import { decideEntry, type EntrySettings, type EntryWrite } from '../catalog/config-entries/decide-entry.ts';
import { entryHolder, type ObservedEntry } from '../catalog/config-entries/entry-holder.ts';
import { entryDifferences } from '../catalog/config-entries/entry-differences.ts';
import { inSteps } from '../catalog/config-entries/entry-order.ts';
import {
  entryKey,
  waitsFor,
  type EntryChange,
  type EntryRemoval,
} from '../catalog/config-entries/entry-plan.ts';
import type { EntryOutcome } from '../catalog/config-entries/entry-status.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import type { ConfigEntryReporter, EntrySource, EntryWriter } from './config-entry-ports.ts';
import { CONTENDED, type EntryMemory } from './entry-memory.ts';

export type AppliedEntries = {
  /** Of each change by its key: the new state of the object that it was for. */
  readonly outcomes: ReadonlyMap<string, EntryOutcome>;
  /** Why the rest was not tried. */
  readonly error: Error | undefined;
};

type ApplyParts = {
  readonly writer: EntryWriter;
  readonly entries: Pick<EntrySource, 'entries' | 'readOne' | 'refresh'>;
  readonly settings: EntrySettings;
  readonly memory: EntryMemory;
  readonly reporter: Pick<ConfigEntryReporter, 'refused' | 'acceptedOtherwise'>;
  readonly applied: (change: EntryChange) => void;
};

type Refusal = Extract<EntryOutcome, { readonly kind: 'refused' }> & {
  /** Somebody else wrote the entry each time. */
  readonly isContended?: true;
};

// Somebody writes the same entry at the same time: once is a coincidence, three times a second program.
const ATTEMPTS = 3;

/** Never throws. */
export async function applyEntries(
  parts: ApplyParts,
  changes: readonly EntryChange[],
  signal: AbortSignal,
): Promise<AppliedEntries> {
  const outcomes = new Map<string, EntryOutcome>();
  const isDue = (change: EntryChange): boolean => {
    const before = waitsFor(change);
    return before === undefined || isThere(outcomes.get(before));
  };
  let pending = changes;
  let refused = new Map<EntryChange, Refusal>();
  try {
    for (let isBlocked = false; !isBlocked && pending.length > 0 && !signal.aborted;) {
      refused = new Map();
      for (const step of inSteps(pending)) {
        const written: EntryChange[] = [];
        const tell = (change: EntryChange, result: Attempted): void => {
          if ('action' in result) written.push(result);
          else if (result.kind === 'refused') refused.set(change, result);
          else outcomes.set(change.key, result);
        };
        const tryOne = async (change: EntryChange): Promise<void> =>
          tell(change, await attempt(parts, change, signal));
        await inParallel(step.filter(isDue), tryOne, { atATime: SMALL_CALLS, signal });
        await readBack(parts, written, outcomes, signal);
      }
      const again = new Set([...refused.keys()].map(({ key }) => key));
      const waiting = pending.filter((change) => again.has(waitsFor(change) ?? ''));
      isBlocked = refused.size + waiting.length >= pending.length;
      pending = [...refused.keys(), ...waiting];
    }
  } catch (error) {
    return { outcomes, error: error instanceof Error ? error : new Error(String(error)) };
  }
  for (const [change, { reason, isContended }] of refused) {
    outcomes.set(change.key, { kind: 'refused', reason });
    parts.memory.refused(change, reason, isContended);
    parts.reporter.refused(change, reason);
  }
  return { outcomes, error: undefined };
}

function isThere(outcome: EntryOutcome | undefined): boolean {
  return outcome?.kind === 'written' || outcome?.kind === 'synced';
}

/** The change that was applied: the planned one, or what it became. */
type Attempted = EntryChange | Exclude<EntryOutcome, { readonly kind: 'refused' }> | Refusal;

/** What changed in the meantime is read and decided again. */
async function attempt(parts: ApplyParts, planned: EntryChange, signal: AbortSignal): Promise<Attempted> {
  let change = planned;
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const outcome = await parts.writer.write(change, signal);
    if (outcome.kind === 'refused') return outcome;
    if (outcome.kind === 'applied') {
      parts.applied(change);
      return change;
    }
    const again =
      change.action === 'delete'
        ? await removeAgain(parts, change, signal)
        : await writeAgain(parts, change, signal);
    if (!('action' in again)) return again;
    change = again;
  }
  return { kind: 'refused', reason: CONTENDED, isContended: true };
}

async function writeAgain(
  { entries, settings, memory }: ApplyParts,
  planned: EntryWrite,
  signal: AbortSignal,
): Promise<EntryWrite | EntryOutcome> {
  const observed = await entries.readOne(planned.kind, planned.name, signal);
  const decision = decideEntry(planned, observed, settings, memory);
  return 'write' in decision ? decision.write : decision.state;
}

async function removeAgain(
  { entries, settings }: ApplyParts,
  removal: EntryRemoval,
  signal: AbortSignal,
): Promise<EntryRemoval | EntryOutcome> {
  const observed = await entries.readOne(removal.kind, removal.name, signal);
  const isOurs = observed !== undefined && entryHolder(observed.meta, settings).kind === 'ours';
  return isOurs
    ? { ...removal, index: observed.index }
    : { kind: 'synced', notes: [], entryId: observed?.id };
}

// Consul takes as long for a list of so many entries as for one entry by itself: 1.5 ms, and 0.06 ms for each of 2,307.
const LISTED_PER_READ = 25;

/**
 * The next reconcile must not wait for a list of the whole kind to know what was written, unless so much was written that the
 * list is faster.
 */
async function readBack(
  parts: ApplyParts,
  written: readonly EntryChange[],
  outcomes: Map<string, EntryOutcome>,
  signal: AbortSignal,
): Promise<void> {
  const { entries } = parts;
  for (const [kind, changes] of Map.groupBy(written, (change) => change.kind)) {
    const known = entries.entries(kind).entries?.length ?? 0;
    const isListed = changes.length > 1 && changes.length * LISTED_PER_READ > known + changes.length;
    if (isListed) await entries.refresh([kind], signal);
    const list = entries.entries(kind).entries ?? [];
    const byKey = new Map(isListed ? list.map((entry) => [entryKey(kind, entry.name), entry]) : []);
    const read = async (change: EntryChange): Promise<void> => {
      const observed = isListed ? byKey.get(change.key) : await entries.readOne(kind, change.name, signal);
      outcomes.set(change.key, writtenAs(parts, change, observed));
    };
    await inParallel(changes, read, { atATime: SMALL_CALLS, signal });
  }
}

/** A newer Consul with one more default would have the same entry written forever, so an entry that reads back differently is remembered. */
function writtenAs(
  { settings, memory, reporter }: ApplyParts,
  change: EntryChange,
  observed: ObservedEntry | undefined,
): EntryOutcome {
  const isOurs = observed !== undefined && entryHolder(observed.meta, settings).kind === 'ours';
  const entryId = isOurs ? observed.id : undefined;
  if (change.action === 'delete') return { kind: 'written', notes: [], entryId };
  if (observed !== undefined && change.action === 'update') {
    const { key, kind, entry } = change;
    const differences = entryDifferences(kind, entry, observed.entry);
    if (differences.length > 0 && memory.accepted(key, entry, observed.index))
      reporter.acceptedOtherwise(
        change,
        differences.map(({ path }) => path),
      );
  }
  return { kind: 'written', notes: change.notes, entryId };
}
