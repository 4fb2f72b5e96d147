/** Writes the statuses of objects when they change. */
import { objectPlace } from '../catalog/config-entries/entry-holder.ts';
import type { EntryObject } from '../catalog/config-entries/entry-object.ts';
import type { EntryPlan, PlannedObject } from '../catalog/config-entries/entry-plan.ts';
import { isSomebodyElses, statusAfter, type EntryOutcome } from '../catalog/config-entries/entry-status.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import type { JsonObject } from '../support/json.ts';
import { earliest } from '../support/earliest.ts';
import { TandemError } from '../support/errors.ts';
import type { Clock } from '../support/clock.ts';
import type { AppliedEntries } from './apply-entries.ts';
import type { ConfigEntryReporter, EntryCluster } from './config-entry-ports.ts';
import type { EntryMemory } from './entry-memory.ts';

type StatusPorts = {
  readonly cluster: Pick<EntryCluster, 'patchStatus'>;
  readonly reporter: Pick<ConfigEntryReporter, 'stands' | 'failed'>;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
};

/** `isWanted`: there is a status that is not written yet. */
type Refusal = { readonly generation: number; readonly until: number; readonly isWanted: boolean };

// Milliseconds. A policy, or an object of the largest size, refuses it again; if the cause is gone, that is seen soon enough.
const RETRY = 60_000;

export function createEntryStatuses({ cluster, reporter, clock }: StatusPorts, memory: EntryMemory) {
  /** The status of an object as the API server returned it, which the watch may not have reported yet. */
  const returned = new Map<string, { readonly object: EntryObject; readonly status: JsonObject }>();
  /** What was sent last, and what an older CRD left of it. */
  const sent = new Map<string, { readonly sent: string; readonly left: string }>();

  /** The object whose status the API server refused, and until when none is tried: one object must not hold up the others. */
  const refused = new Map<string, Refusal>();

  /** Whatever the status: another program may change the entry, and so the text, all the time. */
  function isResting({ uid, generation }: EntryObject, isWanted: boolean): boolean {
    const refusal = refused.get(uid);
    const isOver = refusal?.generation !== generation || refusal.until <= clock.elapsed();
    if (isOver) refused.delete(uid);
    else refused.set(uid, { ...refusal, isWanted });
    return !isOver;
  }

  async function writeOne(planned: PlannedObject, outcome: EntryOutcome, signal: AbortSignal): Promise<void> {
    const { kind, object } = planned;
    const newer = returned.get(object.uid);
    const current = newer?.object === object ? { ...object, status: newer.status } : object;
    const next = statusAfter(current, outcome, clock.now());
    if (isResting(object, next !== undefined) || next === undefined) return;
    const text = JSON.stringify(next);
    const before = sent.get(object.uid);
    // Written once more, it would be the same again: the API server drops what an older CRD does not know.
    if (before?.sent === text && before.left === JSON.stringify(current.status)) return;
    const status = await cluster.patchStatus(kind, object, next, signal).catch((error: unknown) => {
      if (!(error instanceof TandemError) || error.code !== 'TANDEM_KUBERNETES_REFUSED') throw error;
      const { generation } = object;
      refused.set(object.uid, { generation, until: clock.elapsed() + RETRY, isWanted: true });
      reporter.failed(error, RETRY);
      return undefined;
    });
    if (status === undefined) return;
    returned.set(object.uid, { object, status });
    sent.set(object.uid, { sent: text, left: JSON.stringify(status) });
  }

  return {
    retryDue: () => earliest([...refused.values()].flatMap(({ until, isWanted }) => (isWanted ? until : []))),
    /** What the API server refuses is reported. @throws TandemError when it does not answer */
    write: async (plan: EntryPlan, result: AppliedEntries, signal: AbortSignal): Promise<void> => {
      const uids = new Set(plan.objects.map(({ object }) => object.uid));
      for (const known of [returned, sent, refused])
        for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
      const standing = plan.objects.flatMap((planned) => {
        const outcome = outcomeOf(planned, result, memory);
        if (outcome === undefined) return [];
        remember(planned, outcome, memory);
        return [{ planned, outcome }];
      });
      reporter.stands(standing);
      await inParallel(standing, ({ planned, outcome }) => writeOne(planned, outcome, signal), {
        atATime: SMALL_CALLS,
        signal,
      });
    },
  };
}

/** The status says it too, but the watch may not have reported that yet, and an older CRD does not keep it. */
function remember({ entry, object }: PlannedObject, outcome: EntryOutcome, memory: EntryMemory): void {
  if (entry === undefined) return;
  const place = objectPlace(object);
  // Otherwise it would be taken back from its new owner as soon as somebody drops the meta.
  if (isSomebodyElses(outcome)) memory.lost(entry.key, place);
  if (outcome.kind !== 'synced' && outcome.kind !== 'written') return;
  if (outcome.entryId !== undefined) memory.holds(entry.key, { id: outcome.entryId, place });
}

/** Undefined when it is tried again at once. */
function outcomeOf(
  { state, entry, object }: PlannedObject,
  { outcomes, error }: AppliedEntries,
  memory: EntryMemory,
): EntryOutcome | undefined {
  if (state.kind !== 'pending') return state;
  const key = entry?.key ?? '';
  const tried = outcomes.get(key);
  if (tried !== undefined) return tried;
  const refusal = memory.refusalOf(key, object);
  if (refusal !== undefined) return { kind: 'refused', reason: refusal };
  if (error === undefined) return undefined;
  return { kind: 'unknown', message: error.message };
}
