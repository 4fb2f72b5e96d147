/** Both sides of config entries as one reconcile sees them, with the reasons why something is not removed. */
import type { EntrySettings } from '../catalog/config-entries/decide-entry.ts';
import { planEntries, type EntryRemoval, type KindView } from '../catalog/config-entries/entry-plan.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { EntryCluster, EntryObjectSource, EntrySource, EntryWriter } from './config-entry-ports.ts';
import type { EntryMemory } from './entry-memory.ts';

type ViewPorts = {
  readonly objects: EntryObjectSource;
  readonly entries: EntrySource;
  readonly writer: Pick<EntryWriter, 'mayRemove'>;
  readonly cluster: Pick<EntryCluster, 'keeps'>;
};

type ViewOptions = { readonly kinds: readonly EntryKind[]; readonly settings: EntrySettings };

export function createEntryViews(
  { objects, entries, writer, cluster }: ViewPorts,
  { kinds, settings }: ViewOptions,
  memory: EntryMemory,
) {
  /** The token was seen to have the right to what it removes. */
  let isTokenProven = false;

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

  return {
    /** Asks, before anything is removed, whether that may be. @throws TandemError */
    observe: async (signal: AbortSignal): Promise<readonly KindView[]> => {
      const seen = kinds.map(viewOf);
      const { removals, kept, objects: planned } = planEntries(seen, settings, memory.isAccepted);
      for (const { entry } of planned) if (entry !== undefined) memory.found(entry.key);
      memory.lostWithCrd(
        kept.filter(({ kind }) => objects.trouble(kind) !== undefined).map(({ key }) => key),
      );
      if (removals.length === 0) return seen;
      const trouble = await tokenTrouble(removals, signal);
      if (trouble !== undefined) return seen.map((view) => ({ ...view, keep: view.keep ?? trouble }));
      const byKind = Map.groupBy(removals, ({ kind }) => kind);
      const keeps = new Map<EntryKind, string | undefined>();
      for (const [kind, gone] of byKind) {
        const why = await cluster.keeps(kind, signal);
        if (why !== undefined) memory.lostWithCrd(gone.map(({ key }) => key));
        keeps.set(kind, why);
      }
      return seen.map((view) => ({ ...view, keep: view.keep ?? keeps.get(view.kind) }));
    },
  };
}
