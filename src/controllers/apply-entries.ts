/** Writes a plan of config entries: step by step, and what Consul refuses again after everything else, while that gets anywhere. */
import { decideEntry, type EntrySettings, type EntryWrite } from '../catalog/config-entries/decide-entry.ts';
import { entryHolder } from '../catalog/config-entries/entry-holder.ts';
import { entryDifferences } from '../catalog/config-entries/entry-differences.ts';
import { inSteps } from '../catalog/config-entries/entry-order.ts';
import { waitsFor, type EntryChange, type EntryRemoval } from '../catalog/config-entries/entry-plan.ts';
import type { EntryOutcome } from '../catalog/config-entries/entry-status.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import type { ConfigEntryReporter, EntrySource, EntryWriter } from './config-entry-ports.ts';
import type { EntryMemory } from './entry-memory.ts';

export type AppliedEntries = {
  /** Of each change by its key: how what it was for stands now. One that is to be tried again has none. */
  readonly outcomes: ReadonlyMap<string, EntryOutcome>;
  /** Keys that somebody else wrote at the same time, again and again. */
  readonly contended: readonly string[];
  /** Why the rest was not tried. */
  readonly error: Error | undefined;
};

type ApplyParts = {
  readonly writer: EntryWriter;
  readonly entries: Pick<EntrySource, 'readOne'>;
  readonly settings: EntrySettings;
  readonly memory: EntryMemory;
  readonly reporter: Pick<ConfigEntryReporter, 'refused' | 'acceptedOtherwise'>;
  readonly applied: (change: EntryChange) => void;
};

// Somebody writes the same entry at the same time: once is chance, and three times a second program.
const ATTEMPTS = 3;

/** Never throws. */
export async function applyEntries(
  parts: ApplyParts,
  changes: readonly EntryChange[],
  signal: AbortSignal,
): Promise<AppliedEntries> {
  const outcomes = new Map<string, EntryOutcome>();
  const contended: string[] = [];
  const isDue = (change: EntryChange): boolean => {
    const before = waitsFor(change);
    return before === undefined || isThere(outcomes.get(before));
  };
  let pending = changes;
  let refused = new Map<EntryChange, string>();
  try {
    for (let isBlocked = false; !isBlocked && pending.length > 0 && !signal.aborted;) {
      refused = new Map();
      for (const step of inSteps(pending))
        await inParallel(
          step.filter(isDue),
          async (change) => {
            const outcome = await attempt(parts, change, signal);
            if (outcome === 'contended') contended.push(change.key);
            else if (outcome.kind === 'refused') refused.set(change, outcome.reason);
            else outcomes.set(change.key, outcome);
          },
          { atATime: SMALL_CALLS, signal },
        );
      const again = new Set([...refused.keys()].map(({ key }) => key));
      const waiting = pending.filter((change) => again.has(waitsFor(change) ?? ''));
      isBlocked = refused.size + waiting.length >= pending.length;
      pending = [...refused.keys(), ...waiting];
    }
  } catch (error) {
    return { outcomes, contended, error: error instanceof Error ? error : new Error(String(error)) };
  }
  for (const [change, reason] of refused) {
    outcomes.set(change.key, { kind: 'refused', reason });
    parts.memory.refused(change, reason);
    parts.reporter.refused(change, reason);
  }
  return { outcomes, contended, error: undefined };
}

function isThere(outcome: EntryOutcome | undefined): boolean {
  return outcome?.kind === 'written' || outcome?.kind === 'synced';
}

/** What changed under our eyes is read and decided again. */
async function attempt(
  parts: ApplyParts,
  planned: EntryChange,
  signal: AbortSignal,
): Promise<EntryOutcome | 'contended'> {
  let change = planned;
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const outcome = await parts.writer.write(change, signal);
    if (outcome.kind === 'refused') return outcome;
    if (outcome.kind === 'applied') {
      parts.applied(change);
      await readBack(parts, change, signal);
      return { kind: 'written', notes: change.action === 'delete' ? [] : change.notes };
    }
    const again =
      change.action === 'delete'
        ? await removeAgain(parts, change, signal)
        : await writeAgain(parts, change, signal);
    if (!('action' in again)) return again;
    change = again;
  }
  return 'contended';
}

async function writeAgain(
  { entries, settings, memory }: ApplyParts,
  planned: EntryWrite,
  signal: AbortSignal,
): Promise<EntryWrite | EntryOutcome> {
  const observed = await entries.readOne(planned.kind, planned.name, signal);
  const decision = decideEntry(planned, observed, settings, memory.isAccepted);
  return 'write' in decision ? decision.write : decision.state;
}

async function removeAgain(
  { entries, settings }: ApplyParts,
  removal: EntryRemoval,
  signal: AbortSignal,
): Promise<EntryRemoval | EntryOutcome> {
  const observed = await entries.readOne(removal.kind, removal.name, signal);
  const isOurs = observed !== undefined && entryHolder(observed.meta, settings).kind === 'ours';
  return isOurs ? { ...removal, index: observed.index } : { kind: 'synced', notes: [] };
}

/**
 * The next reconcile must not wait for a list of the whole kind to know the entry. And a newer Consul with one more default would
 * have the same entry written for ever.
 */
async function readBack(
  { entries, memory, reporter }: ApplyParts,
  change: EntryChange,
  signal: AbortSignal,
): Promise<void> {
  const observed = await entries.readOne(change.kind, change.name, signal);
  if (observed === undefined || change.action !== 'update') return;
  const { key, kind, entry } = change;
  const differences = entryDifferences(kind, entry, observed.entry);
  if (differences.length === 0) return;
  memory.accepted(key, entry, observed.index);
  reporter.acceptedOtherwise(
    change,
    differences.map(({ path }) => path),
  );
}
