/** Tells changes that somebody else made on our node from our own, by Consul's index, so that our own cause no read. */
import { earliest } from '../support/earliest.ts';

export type Drift = {
  /** A change of ours was applied at this index; undefined when Consul did not tell. A repair is one that no event asked for. */
  readonly wrote: (index: number | undefined, now: number, isRepair: boolean) => void;
  /** Everything up to these indexes has been read; the read took so many milliseconds. */
  readonly read: (indexes: readonly number[], now: number, took: number) => void;
  /** Something on the node may have changed, at this index. */
  readonly changed: (index: number, now: number) => void;
  /** When the node must be read; undefined while there is no reason to. */
  readonly due: () => number | undefined;
};

// The answer to our own write may come after the watch has told of it.
const OWN_ANSWER = 200;
// Someone else's write in the very moment of ours hides behind it, so a burst of ours is followed by one look.
const AFTER_OWN = 5000;
// What has to be repaired at one look after the other is not shown, or somebody else repairs it too: then less and less often.
const LONGEST_AFTER_OWN = 5 * 60_000;
// Reads of a large node cost both sides: they take at most a tenth of the time when something changed, a hundredth when
// it is only to be sure.
const SHARE_OF_CHANGED = 10;
const SHARE_OF_SURE = 100;

export function createDrift(): Drift {
  /** Of reads and of our own writes. */
  const known = new Set<number>();
  let pending: { readonly index: number; readonly due: number } | undefined;
  let lastOwn: number | undefined;
  let lastRead = { end: -Infinity, took: 0 };
  let hasRepaired = false;
  let afterOwn = AFTER_OWN;

  return {
    wrote: (index, now, isRepair) => {
      hasRepaired ||= isRepair;
      if (index !== undefined) known.add(index);
      lastOwn = now;
      if (pending !== undefined && known.has(pending.index)) pending = undefined;
    },
    read: (indexes, now, took) => {
      known.clear();
      for (const index of indexes) known.add(index);
      pending = undefined;
      lastOwn = undefined;
      lastRead = { end: now, took };
      afterOwn = hasRepaired ? Math.min(afterOwn * 2, LONGEST_AFTER_OWN) : AFTER_OWN;
      hasRepaired = false;
    },
    changed: (index, now) => {
      if (!known.has(index)) pending = { index, due: now + OWN_ANSWER };
    },
    due: () => {
      const { end, took } = lastRead;
      const changed = pending && Math.max(pending.due, end + took * SHARE_OF_CHANGED);
      const sure =
        lastOwn === undefined ? undefined : Math.max(lastOwn + afterOwn, end + took * SHARE_OF_SURE);
      return earliest([changed, sure]);
    },
  };
}
