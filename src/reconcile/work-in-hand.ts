/** Work that was taken from the queue and is not written yet. */
import { earliest } from '../support/earliest.ts';
import { SMALL_CALLS } from './in-parallel.ts';
import type { Work, WorkQueue } from './work-queue.ts';

/** `keys` that wait or are being written, and for how many seconds the oldest of them has waited. */
export type Backlog = { readonly keys: number; readonly seconds: number };

/** Keys that were not begun, each with the group of one that can wait. */
type LeftKeys = ReadonlyMap<string, string | undefined>;

type WorkInHand = {
  /** Ends with the work: after a failure, the keys are still to be written, and as old as they are. */
  readonly during: (reconcile: () => Promise<void>) => Promise<void>;
  /** @param isAll also all keys that can wait, else no more of them than could be written the last time */
  readonly take: (isAll: boolean) => Work;
  /** @param now of a key that is left without having been taken */
  readonly written: (left: LeftKeys, now: number) => void;
  readonly backlog: (now: number) => Backlog;
};

// Two rounds of small calls: fewer keep the other side idle while the next ones are observed.
const LEAST_TAKEN = 2 * SMALL_CALLS;

export function createWorkInHand(queue: WorkQueue): WorkInHand {
  let work: Work = NOTHING;
  let mostThatCanWait = Infinity;
  return {
    during: async (reconcile) => {
      try {
        await reconcile();
      } catch (error) {
        for (const [key, since] of work) queue.add(key, since);
        throw error;
      } finally {
        work = NOTHING;
      }
    },
    take: (isAll) => {
      work = queue.take(isAll ? Infinity : mostThatCanWait);
      return work;
    },
    written: (left, now) => {
      for (const [key, group] of left) queue.add(key, work.get(key) ?? now, group);
      mostThatCanWait = left.size === 0 ? mostThatCanWait * 2 : Math.max(LEAST_TAKEN, work.size - left.size);
    },
    backlog: (now) => {
      const oldest = earliest([queue.oldest(), ...work.values()]);
      return {
        keys: [...work.keys()].filter((key) => !queue.has(key)).length + queue.size(),
        seconds: oldest === undefined ? 0 : (now - oldest) / 1000,
      };
    },
  };
}

const NOTHING: Work = new Map();
