/** One waiting loop and what may wake it: a moment, or a word from elsewhere. */
import type { Clock } from './loop-clock.ts';

export type Wake = {
  /** Ends the present wait, or else the next one at once. */
  readonly notify: () => void;
  /** Resolves at the moment, by `elapsed` of the clock, when notified, or when the signal is aborted. */
  readonly until: (moment: number, signal: AbortSignal) => Promise<void>;
};

// setTimeout takes 32 bits: 24.8 days.
const LONGEST = 2 ** 31 - 1;

export function createWake(clock: Clock): Wake {
  let end: (() => void) | undefined;
  let wasNotified = false;
  const notify = (): void => {
    wasNotified = true;
    end?.();
  };
  return {
    notify,
    until: (moment, signal) =>
      new Promise((resolve) => {
        const cancel = clock.after(Math.min(Math.max(moment - clock.elapsed(), 0), LONGEST), () => end?.());
        end = () => {
          cancel();
          signal.removeEventListener('abort', notify);
          end = undefined;
          wasNotified = false;
          resolve();
        };
        signal.addEventListener('abort', notify);
        if (wasNotified || signal.aborted) end();
      }),
  };
}
