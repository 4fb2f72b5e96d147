/** Both sides of config entries as one reconcile sees them, with the reasons why something is not removed. */
import type { EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { planEntries, type EntryRemoval, type KindView } from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { Clock } from '../support/clock.ts';
import type { EntryCluster, EntryObjectSource, EntrySource, EntryWriter } from './config-entry-ports.ts';
import type { EntryMemory } from './entry-memory.ts';

type ViewPorts = {
  readonly objects: EntryObjectSource;
  readonly entries: EntrySource;
  readonly writer: Pick<EntryWriter, 'mayRemove'>;
  readonly cluster: Pick<EntryCluster, 'keeps'>;
  readonly clock: Pick<Clock, 'elapsed'>;
};

type ViewOptions = { readonly kinds: readonly EntryKind[]; readonly settings: EntrySettings };

export function createEntryViews(
  { objects, entries, writer, cluster, clock }: ViewPorts,
  { kinds, settings }: ViewOptions,
  memory: EntryMemory,
) {
  /** The token was seen to have the right to what it removes. */
  let isTokenProven = false;
  let askAgain: number | undefined;

  const viewOf = (kind: EntryKind): KindView => {
    const known = entries.entries(kind);
    return {
      kind,
      objects: objects.objects(kind),
      entries: known.entries,
      trouble: known.trouble,
      keep: objects.trouble(kind) ?? known.trouble,
      isLost: memory.isLostWithCrd,
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
      const { removals, kept, objects: planned } = planEntries(seen, settings, memory.isAccepted);
      for (const { entry } of planned) if (entry !== undefined) memory.found(entry.key);
      memory.lostWithCrd(
        kept.filter(({ kind }) => objects.trouble(kind) !== undefined).map(({ key }) => key),
      );
      if (removals.length === 0) return seen;
      let trouble: string | undefined;
      const unknown = await whyUnknown(async () => {
        trouble = await tokenTrouble(removals, signal);
      }, signal);
      const keepAll = unknown ?? trouble;
      if (keepAll !== undefined) return seen.map((view) => ({ ...view, keep: view.keep ?? keepAll }));
      const byKind = Map.groupBy(removals, ({ kind }) => kind);
      const keeps = new Map<EntryKind, string>();
      for (const [kind, gone] of byKind) {
        const unread = await whyUnknown(async () => {
          const why = await cluster.keeps(kind, signal);
          if (why === undefined) return;
          memory.lostWithCrd(gone.map(({ key }) => key));
          keeps.set(kind, why);
        }, signal);
        if (unread !== undefined) keeps.set(kind, unread);
      }
      return seen.map((view) => ({ ...view, keep: view.keep ?? keeps.get(view.kind) }));
    },
  };
}

// Milliseconds; an API server that is restarted is back by then.
const ASK_AGAIN = 5000;
