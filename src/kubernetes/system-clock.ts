/** The clock of the machine. */
import type { Clock } from '../support/clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** What depends on the machine's clock, and on chance. */
export const systemRuntime = { clock: systemClock, random: Math.random } as const;
