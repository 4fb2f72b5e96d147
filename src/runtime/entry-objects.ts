/** The custom resources of config entries as their loop sees them: one watch for each kind that the cluster has. */
import { objectPlace } from '../catalog/config-entries/entry-holder.ts';
import { readEntryObject, type EntryObject } from '../catalog/config-entries/entry-object.ts';
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import type { EntryObjectSource } from '../controllers/config-entry-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { crdName, entryCollection } from '../kubernetes/entry-cluster.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource, type ResourceWatch } from '../kubernetes/watch-resource.ts';
import { aborted } from '../support/aborted.ts';
import { createListeners } from '../support/listeners.ts';
import type { WatchesStatus } from '../status-page/status.ts';
import { withinRefresh } from './within-refresh.ts';

type EntryObjects = EntryObjectSource & {
  readonly watches: () => WatchesStatus;
  /** Kinds whose CRD is not there. */
  readonly missing: () => readonly EntryKind[];
  readonly stop: () => Promise<void>;
};

type EntryObjectsOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly kinds: readonly EntryKind[];
  readonly onRestart: (failure: WatchFailure) => void;
  /** A kind is missing, or exists now. */
  readonly onKind: (kind: EntryKind, isMissing: boolean) => void;
};

type Watched = {
  readonly watch: ResourceWatch<EntryObject>;
  /** Resolves when there is a list, or no such kind. */
  readonly known: Promise<void>;
  /** Resolves when there is a new list, or no such kind. */
  readonly relisted: () => Promise<void>;
  readonly isMissing: () => boolean;
};

/** Starts to watch at once. */
export function entryObjects({ client, kinds, onRestart, onKind }: EntryObjectsOptions): EntryObjects {
  const { tell, onChange } = createListeners<[kind: EntryKind, place: string]>();
  const start = (kind: EntryKind): Watched => {
    const known = Promise.withResolvers<void>();
    let isMissing = false;
    let gone = Promise.withResolvers<void>();
    const becomes = (missing: boolean): void => {
      known.resolve();
      if (missing === isMissing) return;
      isMissing = missing;
      if (missing) gone.resolve();
      else gone = Promise.withResolvers();
      onKind(kind, missing);
      // Even without an object, it changes the reason why entries stay.
      tell(kind, '');
    };
    const watch = watchResource<EntryObject>({
      client,
      path: entryCollection(kind),
      query: {},
      read: (object) => readEntryObject(object, kind.kind),
      ...systemRuntime,
      onList: () => becomes(false),
      onChange: (_key, before, after) => {
        const object = after ?? before;
        if (object !== undefined && !isStatusOnly(before, after)) tell(kind, objectPlace(object));
      },
      onRestart: (failure) => {
        onRestart(failure);
        if (isNoSuchKind(failure)) becomes(true);
      },
    });
    const relisted = (): Promise<void> => Promise.race([watch.relist(), gone.promise]);
    return { watch, known: known.promise, relisted, isMissing: () => isMissing };
  };
  const watches = new Map(kinds.map((kind) => [kind, start(kind)]));
  const all = (done: (watched: Watched) => Promise<void>): Promise<unknown> =>
    Promise.all([...watches.values()].map(done));
  const troubleOf = (kind: EntryKind): string | undefined => {
    const watched = watches.get(kind);
    if (watched?.isMissing() !== false) return `the CRD ${crdName(kind)} is not installed`;
    return watched.watch.status().isSynced ? undefined : `the objects of ${kind.kind} are not listed yet`;
  };

  return {
    objects: (kind) => [...(watches.get(kind)?.watch.values() ?? [])],
    trouble: troubleOf,
    synced: async (signal) => {
      await Promise.race([all(({ known }) => known), aborted(signal)]);
    },
    onChange,
    refresh: (signal) =>
      withinRefresh(
        all(async ({ watch, isMissing }) => (isMissing() ? undefined : watch.relist())),
        signal,
      ),
    relist: () => new Map([...watches].map(([{ plural }, { relisted }]) => [plural, relisted()])),
    watches: () =>
      Object.fromEntries(
        [...watches].map(([{ plural }, { watch, isMissing }]) => [
          plural,
          { isSynced: isMissing() || watch.status().isSynced },
        ]),
      ),
    missing: () => [...watches].flatMap(([kind, { isMissing }]) => (isMissing() ? [kind] : [])),
    stop: async () => {
      await all(({ watch }) => watch.stop());
    },
  };
}

/** Tandem's own writes trigger nothing. */
function isStatusOnly(before: EntryObject | undefined, after: EntryObject | undefined): boolean {
  return (
    before !== undefined &&
    after !== undefined &&
    before.uid === after.uid &&
    before.generation === after.generation &&
    before.deletionTimestamp === after.deletionTimestamp &&
    before.finalizers.length === after.finalizers.length &&
    before.annotations.size === after.annotations.size &&
    [...before.annotations].every(([key, value]) => after.annotations.get(key) === value)
  );
}

/** The API server knows no such resource: 404 of the whole collection. */
function isNoSuchKind({ cause, error }: WatchFailure): boolean {
  return cause === 'refused' && error?.message.includes('status 404') === true;
}
