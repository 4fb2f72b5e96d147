/** Both sides of config entries as one reconcile sees them, with the reasons why something is not removed. */
import type { EntryRecall, EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { planEntries, type EntryRemoval, type KindView } from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { Clock } from '../support/clock.ts';
import type { EntryCluster, EntryObjectSource, EntrySource, EntryWriter } from './config-entry-ports.ts';

type ViewPorts = {
  readonly objects: EntryObjectSource;
  readonly entries: EntrySource;
  readonly writer: Pick<EntryWriter, 'mayRemove'>;
  readonly cluster: Pick<EntryCluster, 'crd'>;
  readonly clock: Pick<Clock, 'elapsed'>;
};

type ViewOptions = { readonly kinds: readonly EntryKind[]; readonly settings: EntrySettings };

export function createEntryViews(
  { objects, entries, writer, cluster, clock }: ViewPorts,
  { kinds, settings }: ViewOptions,
  recall: EntryRecall,
) {
  /** The token was seen to have the right to what it removes. */
  let isTokenProven = false;
  let askAgain: number | undefined;
  /** When the CRD was made, as it was asked for last: one that is later is asked for before anything is removed. */
  const crdCreated = new Map<EntryKind, string>();

  const viewOf = (kind: EntryKind): KindView => {
    const known = entries.entries(kind);
    return {
      kind,
      objects: objects.objects(kind),
      entries: known.entries,
      trouble: known.trouble,
      keep: objects.trouble(kind) ?? known.trouble,
      crdCreated: crdCreated.get(kind),
    };
  };

  async function tokenTrouble(
    removals: readonly EntryRemoval[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (isTokenProven) return undefined;
    const trouble = await writer.mayRemove(removals, signal);
    isTokenProven = trouble === undefined;
    return trouble;
  }

  /** Without an answer nothing is removed. Writes go on all the same. */
  async function whyUnknown(ask: () => Promise<void>, signal: AbortSignal): Promise<string | undefined> {
    try {
      await ask();
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      askAgain = clock.elapsed() + ASK_AGAIN;
      return error instanceof Error ? error.message : String(error);
    }
  }

  return {
    /** When what could not be asked is asked again. */
    retryDue: () => askAgain,
    /** Asks, before anything is removed, whether that may be. */
    observe: async (signal: AbortSignal): Promise<readonly KindView[]> => {
      askAgain = undefined;
      const seen = kinds.map(viewOf);
      const { removals } = planEntries(seen, settings, recall);
      if (removals.length === 0) return seen;
      let trouble: string | undefined;
      const unknown = await whyUnknown(async () => {
        trouble = await tokenTrouble(removals, signal);
      }, signal);
      const keepAll = unknown ?? trouble;
      if (keepAll !== undefined) return seen.map((view) => ({ ...view, keep: view.keep ?? keepAll }));
      const keeps = new Map<EntryKind, string>();
      for (const kind of new Set(removals.map((each) => each.kind))) {
        const unread = await whyUnknown(async () => {
          const crd = await cluster.crd(kind, signal);
          if (crd.isThere) crdCreated.set(kind, crd.created);
          else keeps.set(kind, crd.why);
        }, signal);
        if (unread !== undefined) keeps.set(kind, unread);
      }
      return seen.map((view) => ({
        ...view,
        keep: view.keep ?? keeps.get(view.kind),
        crdCreated: crdCreated.get(view.kind),
      }));
    },
  };
}

// Milliseconds; an API server that is restarted is back by then.
const ASK_AGAIN = 5000;
