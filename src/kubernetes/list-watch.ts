/** The objects of one resource, kept current: a list, then a watch, then again whatever a failure made necessary. */
import type { RestartCause } from '../model/restart-causes.ts';
import { TandemError } from '../support/errors.ts';
import type { ApiClient } from './api-client.ts';
import { backoff, LONGEST_BACKOFF } from '../support/backoff.ts';
import { sleep, type Clock } from '../support/clock.ts';
import { listPages, pathOf, type Collection } from './list-pages.ts';
import { compareVersions, resourceEntry, type ReadObject, type ResourceEntry } from './resource-entry.ts';
import type { WatchEvent } from './watch-events.ts';
import { statusFailure, thrownFailure, type WatchFailure } from './watch-failure.ts';
import { watchSession } from './watch-session.ts';

export type ListWatchOptions<T> = Collection & {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly read: ReadObject<T>;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
};

export type ListWatchHandlers<T> = {
  /** A whole list, never a part: what is not in it has vanished. */
  readonly onList: (entries: readonly ResourceEntry<T>[], version: string) => void;
  readonly onEvent: (kind: 'changed' | 'deleted', entry: ResourceEntry<T>) => 'applied' | 'disordered';
  /** A list or a watch has ended, and there will be another one. */
  readonly onRestart: (failure: WatchFailure) => void;
};

export type ListWatchStatus = {
  /** There was a whole list. */
  readonly isSynced: boolean;
  /** Milliseconds since the epoch when the server last sent a list, an event or a bookmark. */
  readonly lastSuccess: number | undefined;
  readonly restarts: Readonly<Partial<Record<RestartCause, number>>>;
};

export type ListWatch = {
  readonly status: () => ListWatchStatus;
  /** Resolves after the first whole list; stays pending when it is stopped before. */
  readonly synced: Promise<void>;
  /** Resolves after a whole list that began after this call, whenever the server returns one; the watch continues from it. */
  readonly relist: () => Promise<void>;
  /** Resolves when everything has ended. */
  readonly stop: () => Promise<void>;
  /** Resolves at the end; rejects when a handler or `read` has thrown. */
  readonly done: Promise<void>;
};

// As client-go's reflector does: without the spread, all watches of a cluster would be renewed at the same moment.
const WATCH_SECONDS = { least: 300, spread: 300 };

/** After these, the versions since the last one are lost, or make no sense. */
const NEEDS_LIST: ReadonlySet<RestartCause> = new Set(['gone', 'disordered', 'refused']);

/** The server was not reached, so a retry cannot overload it. */
const IS_AWAY: ReadonlySet<RestartCause> = new Set(['unreachable', 'reset']);
// Back in step within 5 s of the end of an outage.
const LONGEST_RECONNECT = 4000;

/** How a watch without any event may end. */
const MAY_BE_QUIET: ReadonlySet<RestartCause> = new Set(['closed', 'idle']);

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export function listWatch<T>(options: ListWatchOptions<T>, handlers: ListWatchHandlers<T>): ListWatch {
  const { client, path, clock, random } = options;
  const stopping = new AbortController();
  const pauses = watchPauses(clock, random);
  const restarts: Partial<Record<RestartCause, number>> = {};
  const firstList = Promise.withResolvers<void>();
  let session = new AbortController();
  const asked = askedLists(clock, random, () => session.abort());
  /** Undefined: a list is needed. */
  let version: string | undefined;
  let isSynced = false;
  let lastSuccess: number | undefined;

  const list = async (): Promise<WatchFailure | undefined> => {
    const begun = asked.begin();
    const result = await listWhole(options, stopping.signal);
    if (result.kind === 'failed') {
      begun.failed();
      return result.failure;
    }
    version = result.version;
    lastSuccess = clock.now();
    handlers.onList(result.entries, result.version);
    isSynced = true;
    firstList.resolve();
    begun.succeeded();
    return undefined;
  };

  const take = (event: WatchEvent): WatchFailure | undefined => {
    if (event.kind === 'error') return statusFailure(event, path);
    lastSuccess = clock.now();
    pauses.reset();
    const next = versionAfter(event, version, options, handlers);
    if (next === undefined) return disordered(path);
    version = next;
    return undefined;
  };

  const watch = (from: string): Promise<WatchFailure> => {
    session = new AbortController();
    const signal = AbortSignal.any([stopping.signal, session.signal]);
    return watchSession({ client, path: watchPath(options, from), clock, signal, take });
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const start = clock.elapsed();
      const from = asked.isWanted() ? undefined : version;
      const failure = from === undefined ? await list() : await watch(from);
      if (failure === undefined) continue;
      if (stopping.signal.aborted) break;
      // A watch that was ended for a new list has not failed; a list that was refused has.
      if (from !== undefined && session.signal.aborted) continue;
      restarts[failure.cause] = (restarts[failure.cause] ?? 0) + 1;
      handlers.onRestart(failure);
      if (NEEDS_LIST.has(failure.cause)) version = undefined;
      // Servers refuse lists when they have too much to do: what is known is kept current until there is one.
      if (from === undefined && version !== undefined) asked.later(failure);
      else await pauses.after(failure, clock.elapsed() - start, stopping.signal);
    }
    asked.stop();
  };

  const done = run();
  return {
    status: () => ({ isSynced, lastSuccess, restarts: { ...restarts } }),
    synced: firstList.promise,
    relist: asked.list,
    stop: () => {
      stopping.abort();
      return done;
    },
    done,
  };
}

function disordered(path: string): WatchFailure {
  const text = `GET ${path}: the events of the watch are out of order`;
  return { cause: 'disordered', error: new TandemError('TANDEM_KUBERNETES_GARBLED', text), wait: 0 };
}

function watchPath(
  { path, query, random }: Pick<ListWatchOptions<never>, 'path' | 'query' | 'random'>,
  from: string,
): string {
  const timeoutSeconds = WATCH_SECONDS.least + Math.floor(random() * WATCH_SECONDS.spread);
  return pathOf(path, {
    ...query,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds: String(timeoutSeconds),
  });
}

/** How long to wait before the next list or watch. */
function watchPauses(clock: Clock, random: () => number) {
  const delays = backoff(random);
  const reconnects = backoff(random, LONGEST_RECONNECT);
  return {
    reset: () => {
      delays.reset();
      reconnects.reset();
    },
    /** @param lasted milliseconds from the start until the failure */
    after: async (failure: WatchFailure, lasted: number, signal: AbortSignal): Promise<void> => {
      const next = IS_AWAY.has(failure.cause) ? reconnects.next() : delays.next();
      if (wasWhole(failure, lasted)) delays.reset();
      else await sleep(clock, Math.max(next, Math.min(failure.wait, LONGEST_BACKOFF)), signal);
    },
  };
}

/** Lists that are asked for although the watch could go on. */
function askedLists(clock: Clock, random: () => number, endWatch: () => void) {
  const delays = backoff(random);
  /** Callers that wait for a list that has not begun. */
  const waiting: (() => void)[] = [];
  let isWanted = false;
  /** Of the next attempt, after one that failed. */
  let cancel: (() => void) | undefined;
  const ask = (): void => {
    cancel = undefined;
    isWanted = true;
    endWatch();
  };
  return {
    isWanted: () => isWanted,
    /** Resolves after a whole list that begins from now on. */
    list: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        // However many ask: a server that refuses lists is given its time.
        if (cancel === undefined) ask();
      }),
    begin: () => {
      cancel?.();
      cancel = undefined;
      isWanted = false;
      const awaited = waiting.splice(0);
      return {
        failed: () => void waiting.unshift(...awaited),
        succeeded: () => {
          delays.reset();
          // A caller that asked while this list was on its way gets another one.
          isWanted = waiting.length > 0;
          for (const resolve of awaited) resolve();
        },
      };
    },
    /** One that failed is tried again. */
    later: ({ wait }: WatchFailure): void => {
      cancel = clock.after(Math.max(delays.next(), Math.min(wait, LONGEST_BACKOFF)), ask);
    },
    stop: () => cancel?.(),
  };
}

/** A watch that was quiet for this long was complete; a server that ends each one at once is unwell, even if it does so properly. */
function wasWhole({ cause }: WatchFailure, milliseconds: number): boolean {
  return MAY_BE_QUIET.has(cause) && milliseconds >= LONGEST_BACKOFF;
}

async function listWhole<T>({ client, path, query, read }: ListWatchOptions<T>, signal: AbortSignal) {
  return listPages(client, { path, query }, read, signal).catch((error: unknown) => ({
    kind: 'failed' as const,
    failure: thrownFailure(error),
  }));
}

/** @returns undefined when the event does not come after what is known */
function versionAfter<T>(
  event: Exclude<WatchEvent, { readonly kind: 'error' }>,
  known: string | undefined,
  { read }: ListWatchOptions<T>,
  { onEvent }: ListWatchHandlers<T>,
): string | undefined {
  const isBehind = (next: string): boolean => (compareVersions(next, known ?? '') ?? 0) < 0;
  if (event.kind === 'bookmark') return isBehind(event.version) ? undefined : event.version;
  const entry = resourceEntry(event.object, read);
  if (onEvent(event.kind === 'deleted' ? 'deleted' : 'changed', entry) === 'disordered') return undefined;
  return isBehind(entry.version) ? known : entry.version;
}
