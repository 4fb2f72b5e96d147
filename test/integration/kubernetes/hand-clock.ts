/** A clock that stands still until a test moves it. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/support/clock.ts';

export type HandClock = Clock & {
  /** Moves on, calls what is due in its order, and lets each of them have its consequences. */
  readonly advance: (milliseconds: number) => Promise<void>;
  /** Time passes, but nobody is called: as for a process that is stopped. */
  readonly freeze: (milliseconds: number) => void;
};

/** @param skew how far `now` is from the clocks of others */
export function handClock(skew = 0): HandClock {
  let time = 0;
  const timers = new Map<object, { readonly at: number; readonly callback: () => void }>();
  const due = (until: number): [object, number, () => void] | undefined => {
    const [first] = [...timers].sort(([, a], [, b]) => a.at - b.at);
    return first !== undefined && first[1].at <= until
      ? [first[0], first[1].at, first[1].callback]
      : undefined;
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  };
  return {
    now: () => 1_800_000_000_000 + time + skew,
    elapsed: () => time,
    after: (milliseconds, callback) => {
      const key = {};
      timers.set(key, { at: time + milliseconds, callback });
      return () => timers.delete(key);
    },
    advance: async (milliseconds) => {
      const end = time + milliseconds;
      await settle();
      for (let next = due(end); next !== undefined; next = due(end)) {
        const [key, at, callback] = next;
        timers.delete(key);
        time = Math.max(time, at);
        callback();
        await settle();
      }
      time = end;
    },
    freeze: (milliseconds) => {
      time += milliseconds;
    },
  };
}
