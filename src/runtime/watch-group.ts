/** Watches on several kinds as one source: they are awaited, listed again, inspected and ended together. */
import type { Relisted, Watched } from '../controllers/watched.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import type { ListWatchStatus } from '../kubernetes/list-watch.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource, type ResourceWatch } from '../kubernetes/watch-resource.ts';
import { aborted } from '../support/aborted.ts';
import { withinRefresh } from './within-refresh.ts';

export type WatchGroup<Kind extends string> = Pick<Watched<[]>, 'synced' | 'refresh'> &
  Relisted & {
    /** Starts to watch a kind at once, unless it is watched already, or all were stopped. */
    readonly start: <T>(
      kind: Kind,
      what: Pick<Parameters<typeof watchResource<T>>[0], 'path' | 'query' | 'read' | 'onChange' | 'onList'>,
    ) => void;
    /** By kind. */
    readonly watches: () => Readonly<Record<string, ListWatchStatus>>;
    readonly stop: () => Promise<void>;
  };

export function watchGroup<Kind extends string>(
  client: Pick<ApiClient, 'request' | 'watch'>,
  onRestart: (kind: Kind, failure: WatchFailure) => void,
): WatchGroup<Kind> {
  const watches = new Map<Kind, ResourceWatch<unknown>>();
  let isStopped = false;
  /** Includes watches that begin while others are awaited. */
  const all = async (done: (watch: ResourceWatch<unknown>) => Promise<void>): Promise<void> => {
    const seen = new Set<ResourceWatch<unknown>>();
    for (;;) {
      const left = [...watches.values()].filter((watch) => !seen.has(watch));
      if (left.length === 0) return;
      await Promise.all(left.map(done));
      for (const watch of left) seen.add(watch);
    }
  };
  return {
    start: (kind, what) => {
      if (watches.has(kind) || isStopped) return;
      const restarted = (failure: WatchFailure): void => onRestart(kind, failure);
      watches.set(kind, watchResource({ ...what, client, ...systemRuntime, onRestart: restarted }));
    },
    synced: (signal) => Promise.race([all((watch) => watch.synced), aborted(signal)]),
    refresh: (signal) => {
      const lists = all((watch) => watch.relist());
      return withinRefresh(lists, signal);
    },
    // One that begins later is listed then.
    relist: () => new Map([...watches].map(([kind, watch]) => [kind, watch.relist()])),
    watches: () => Object.fromEntries([...watches].map(([kind, watch]) => [kind, watch.status()])),
    stop: async () => {
      isStopped = true;
      await Promise.all([...watches.values()].map((watch) => watch.stop()));
    },
  };
}
