/** Both sides of config entries as one reconcile sees them, with the reasons why something is not removed. */
import type { EntryRecall, EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import {
  planEntries,
  type EntryPlan,
  type EntryRemoval,
  type KindView,
} from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { Clock } from '../support/clock.ts';
import { reasonOf } from '../support/errors.ts';
import type { EntryCluster, EntryObjectSource, EntrySource, EntryWriter } from './config-entry-ports.ts';

type ViewPorts = {
  readonly objects: EntryObjectSource;
  readonly entries: EntrySource;
  readonly writer: Pick<EntryWriter, 'mayRemove'>;
  readonly cluster: Pick<EntryCluster, 'crd'>;
  readonly clock: Pick<Clock, 'elapsed'>;
  /** The objects of the kind are known from an earlier term only. */
  readonly isAwaited: (kind: EntryKind) => boolean;
};

type ViewOptions = { readonly kinds: readonly EntryKind[]; readonly settings: EntrySettings };

/** Of what is not known, nothing is written or removed. */
const NOTHING = { objects: [], entries: undefined, trouble: undefined, keep: undefined };

type Reason = Promise<string | undefined>;

export function createEntryViews(
  { objects, entries, writer, cluster, clock, isAwaited }: ViewPorts,
  { kinds, settings }: ViewOptions,
  recall: EntryRecall,
) {
  const plan = planOnce(settings, recall);
  /** The token was seen to have the right to what it removes. */
  let isTokenProven = false;
  let askAgain: number | undefined;
  /** When the CRD was made, as it was asked for last: one that is later is asked for before anything is removed. */
  const crdCreated = new Map<EntryKind, string>();

  const viewOf = (kind: EntryKind): KindView => {
    const known = entries.entries(kind);
    // By an old object an entry would be written as it was before, with the right index.
    if (isAwaited(kind)) return { ...NOTHING, kind, crdCreated: crdCreated.get(kind) };
    return {
      kind,
      objects: objects.objects(kind),
      entries: known.entries,
      trouble: known.trouble,
      keep: objects.trouble(kind) ?? known.trouble,
      crdCreated: crdCreated.get(kind),
    };
  };

  async function tokenTrouble(removals: readonly EntryRemoval[], signal: AbortSignal): Reason {
    if (isTokenProven) return undefined;
    const trouble = await writer.mayRemove(removals, signal);
    isTokenProven = trouble === undefined;
    return trouble;
  }

  /** Why nothing is removed, also when there is no answer. Writes continue nevertheless. */
  async function whyKept(ask: () => Reason, signal: AbortSignal): Reason {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw error;
      askAgain = clock.elapsed() + ASK_AGAIN;
      return reasonOf(error);
    }
  }

  return {
    /** When to ask again after a failure. */
    retryDue: () => askAgain,
    /** Asks, before anything is removed, whether it may be. */
    observe: async (signal: AbortSignal): Promise<readonly KindView[]> => {
      askAgain = undefined;
      const seen = kinds.map(viewOf);
      const { removals } = plan(seen);
      if (removals.length === 0) return seen;
      const keepAll = await whyKept(() => tokenTrouble(removals, signal), signal);
      if (keepAll !== undefined) return seen.map((view) => ({ ...view, keep: view.keep ?? keepAll }));
      const keeps = new Map<EntryKind, string>();
      for (const kind of new Set(removals.map((each) => each.kind))) {
        const why = await whyKept(async () => {
          const crd = await cluster.crd(kind, signal);
          if (!crd.isThere) return crd.why;
          crdCreated.set(kind, crd.created);
          return undefined;
        }, signal);
        if (why !== undefined) keeps.set(kind, why);
      }
      const isNews = keeps.size > 0 || seen.some((view) => crdCreated.get(view.kind) !== view.crdCreated);
      if (!isNews) return seen;
      return seen.map((view) => ({
        ...view,
        keep: view.keep ?? keeps.get(view.kind),
        crdCreated: crdCreated.get(view.kind),
      }));
    },
    /** Of what was observed, each once. */
    plan,
  };
}

/** It is asked for before something is removed, and then once more. */
function planOnce(settings: EntrySettings, recall: EntryRecall): (views: readonly KindView[]) => EntryPlan {
  let last: { readonly views: readonly KindView[]; readonly plan: EntryPlan } | undefined;
  return (views) => {
    const plan = last?.views === views ? last.plan : planEntries(views, settings, recall);
    last = { views, plan };
    return plan;
  };
}

// Milliseconds; an API server that is restarted is back by then.
const ASK_AGAIN = 5000;
