/** Tells other people's changes on our node from our own, by Consul's index, so that our own cause no read. */
import { earliest } from '../support/earliest.ts';

export type Drift = {
  /** A change of ours was applied at this index; undefined when Consul did not tell. A repair is one that no event asked for. */
  readonly wrote: (index: number | undefined, now: number, isRepair: boolean) => void;
  /** Everything up to these indexes has been read; the read took this many milliseconds. */
  readonly read: (indexes: readonly number[], now: number, took: number) => void;
  /** Something on the node may have changed, at this index. */
  readonly changed: (index: number, now: number) => void;
  /** Whether somebody else holds an id that we want, and may free it at the moment of one of our writes. */
  readonly contested: (isContested: boolean) => void;
  /** When the node must be read; undefined while there is no reason to read it. */
  readonly due: () => number | undefined;
};

// The answer to our own write may come after the watch has told of it.
const OWN_ANSWER = 200;
// A foreign write at the moment of ours hides behind it, so a burst of ours is followed by one read.
const AFTER_OWN = 5000;
// A freed id is taken within 2 s, however much we write: a second before the read leaves one for the read and the write.
const AFTER_OWN_CONTESTED = 1000;
// A repair at every read means that Consul does not show it, or that somebody else repairs it, too: then less and less often.
const LONGEST_AFTER_OWN = 5 * 60_000;
// Reads of a large node cost both sides: they take at most a tenth of the time when something changed, and a hundredth
// when they are only a precaution.
const SHARE_OF_CHANGED = 10;
const SHARE_OF_SURE = 100;

export function createDrift(): Drift {
  /** Of reads and of our own writes. */
  const known = new Set<number>();
  /** Indexes that may be of others → when that is sure. */
  const unknown = new Map<number, number>();
  let own: { readonly first: number; readonly last: number } | undefined;
  let lastRead = { end: -Infinity, took: 0 };
  let hasRepaired = false;
  let afterOwn = AFTER_OWN;
  let isContested = false;

  const afterRead = (share: number): number => lastRead.end + lastRead.took * share;

  return {
    wrote: (index, now, isRepair) => {
      hasRepaired ||= isRepair;
      if (index !== undefined) {
        known.add(index);
        unknown.delete(index);
      }
      own = { first: own?.first ?? now, last: now };
    },
    read: (indexes, now, took) => {
      known.clear();
      for (const index of indexes) known.add(index);
      unknown.clear();
      own = undefined;
      lastRead = { end: now, took };
      afterOwn = hasRepaired ? Math.min(afterOwn * 2, LONGEST_AFTER_OWN) : AFTER_OWN;
      hasRepaired = false;
    },
    changed: (index, now) => {
      if (!known.has(index) && !unknown.has(index)) unknown.set(index, now + OWN_ANSWER);
    },
    contested: (value) => {
      isContested = value;
    },
    due: () => {
      const changed = earliest(unknown.values());
      const sure = own && (isContested ? own.first + AFTER_OWN_CONTESTED : own.last + afterOwn);
      return earliest([
        changed && Math.max(changed, afterRead(SHARE_OF_CHANGED)),
        sure && Math.max(sure, afterRead(isContested ? SHARE_OF_CHANGED : SHARE_OF_SURE)),
      ]);
    },
  };
}
