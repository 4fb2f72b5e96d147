/** A clock that goes on when the test says so, and lets everything that is due happen in its order. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/support/clock.ts';

export type VirtualClock = Clock & {
  /** Lets what can happen now happen, then what is due within so many milliseconds. */
  readonly advance: (milliseconds: number) => Promise<void>;
};

// A pass over a few Services takes some ten turns of the event loop from its wake to its last write.
const TURNS = 40;

export function createVirtualClock(): VirtualClock {
  let now = 1_000_000;
  const timers = new Map<object, { readonly at: number; readonly call: () => void }>();
  const settle = async (): Promise<void> => {
    for (let count = 0; count < TURNS; count += 1) await turn();
  };
  return {
    now: () => now,
    elapsed: () => now,
    after: (milliseconds, call) => {
      const key = {};
      timers.set(key, { at: now + milliseconds, call });
      return () => void timers.delete(key);
    },
    advance: async (milliseconds) => {
      const end = now + milliseconds;
      await settle();
      for (;;) {
        const next = [...timers].toSorted(([, left], [, right]) => left.at - right.at)[0];
        if (next === undefined || next[1].at > end) break;
        timers.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].call();
        await settle();
      }
      now = end;
    },
  };
}
