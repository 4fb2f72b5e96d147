/** Keys to reconcile: collected until it is quiet for a moment, or the first has waited enough. */

/** Each key with the time of its first event. */
export type Work = ReadonlyMap<string, number>;

type WorkQueue = {
  /** An event says that this key may have changed; `now` by a clock that never jumps, in milliseconds. */
  readonly add: (key: string, now: number) => void;
  /** When to take; undefined while there is nothing. */
  readonly due: () => number | undefined;
  /** All keys, which are forgotten here. */
  readonly take: () => Work;
  readonly size: () => number;
};

/** Milliseconds after the last event, and after the first. */
export type Coalescing = { readonly quiet: number; readonly most: number };

/**
 * A rollout touches a Service many times in a second: 100 ms without an event makes one transaction of them. A cluster that
 * never rests waits for a quarter of a second at most, an eighth on average: half of its changes are in Consul within the
 * quarter, with two transactions more a second than if it waited for half a second.
 */
const COALESCING: Coalescing = { quiet: 100, most: 250 };

export function createWorkQueue({ quiet, most }: Coalescing = COALESCING): WorkQueue {
  let keys = new Map<string, number>();
  let first = 0;
  let last = 0;
  return {
    add: (key, now) => {
      if (keys.size === 0) first = now;
      last = now;
      if (!keys.has(key)) keys.set(key, now);
    },
    due: () => (keys.size === 0 ? undefined : Math.min(last + quiet, first + most)),
    take: () => {
      const taken = keys;
      keys = new Map();
      return taken;
    },
    size: () => keys.size,
  };
}
