/** Keys to reconcile: collected until it is quiet for a moment, or the first has waited enough. */

import { earliest } from '../support/earliest.ts';
import { fewFirst } from './few-first.ts';

/** Each key with the time of its first event. */
export type Work = ReadonlyMap<string, number>;

export type WorkQueue = {
  /**
   * An event says that this key may have changed; `now` by a clock that never jumps, in milliseconds.
   *
   * @param group makes it a key that can wait: of these, the group with the fewest comes first. An urgent key stays urgent
   * @returns whether the queue is due earlier than before; usually it is due later, when it is quiet again
   */
  readonly add: (key: string, now: number, group?: string) => boolean;
  readonly has: (key: string) => boolean;
  /** When to take; undefined while the queue is empty. */
  readonly due: () => number | undefined;
  /** The same for urgent keys. */
  readonly urgentDue: () => number | undefined;
  /** All urgent keys, and at most this many of the others; they are forgotten here. */
  readonly take: (mostThatCanWait?: number) => Work;
  readonly size: () => number;
  /** Time of the first event of all. */
  readonly oldest: () => number | undefined;
};

/** Milliseconds after the last event, and after the first. */
export type Coalescing = { readonly quiet: number; readonly most: number };

/**
 * A rollout touches a Service many times in a second: after 100 ms without an event, one transaction holds them. A cluster that
 * never rests waits for a quarter of a second at most, an eighth on average: half of its changes are in Consul within the
 * quarter, with two transactions more a second than if it waited for half a second.
 */
const COALESCING: Coalescing = { quiet: 100, most: 250 };

export function createWorkQueue({ quiet, most }: Coalescing = COALESCING): WorkQueue {
  const urgent = createLane();
  const canWait = createLane();
  const groups = new Map<string, string>();
  const dueOf = ({ keys, first, last }: Lane): number | undefined =>
    keys.size === 0 ? undefined : Math.min(last() + quiet, first() + most);

  function take(lane: Lane, keys: readonly string[]): Work {
    const taken = new Map(keys.map((key) => [key, lane.keys.get(key) ?? 0]));
    for (const key of keys) {
      lane.keys.delete(key);
      groups.delete(key);
    }
    return taken;
  }

  const due = (): number | undefined => earliest([dueOf(urgent), dueOf(canWait)]);

  return {
    add: (key, now, group) => {
      const before = due() ?? Infinity;
      const isUrgent = group === undefined || urgent.keys.has(key);
      const waiting = isUrgent ? take(canWait, canWait.keys.has(key) ? [key] : []) : NOTHING;
      if (!isUrgent) groups.set(key, group);
      (isUrgent ? urgent : canWait).add(key, waiting.get(key) ?? now, now);
      return (due() ?? Infinity) < before;
    },
    has: (key) => urgent.keys.has(key) || canWait.keys.has(key),
    due,
    urgentDue: () => dueOf(urgent),
    take: (mostThatCanWait = Infinity) => {
      const others = [...canWait.keys.keys()];
      const few = others.length > mostThatCanWait ? fewFirst(others, (key) => groups.get(key) ?? '') : others;
      return new Map([
        ...take(urgent, [...urgent.keys.keys()]),
        ...take(canWait, few.slice(0, mostThatCanWait)),
      ]);
    },
    size: () => urgent.keys.size + canWait.keys.size,
    oldest: () => earliest([...urgent.keys.values(), ...canWait.keys.values()]),
  };
}

const NOTHING: Work = new Map();

type Lane = {
  /** In the order of their first events. */
  readonly keys: Map<string, number>;
  readonly add: (key: string, since: number, now: number) => void;
  /** Times of the events that decide when it is due. */
  readonly first: () => number;
  readonly last: () => number;
};

function createLane(): Lane {
  const keys = new Map<string, number>();
  let first = 0;
  let last = 0;
  return {
    keys,
    add: (key, since, now) => {
      if (keys.size === 0) first = since;
      last = now;
      if (!keys.has(key)) keys.set(key, since);
    },
    first: () => first,
    last: () => last,
  };
}
