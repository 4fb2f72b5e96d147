/** One reconcile after the other, each when it is due; a failed one is repeated, with growing pauses. */
import { backoff } from '../support/backoff.ts';
import type { Clock } from '../support/clock.ts';

type LoopParts = {
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /** When a reconcile is due, by `elapsed` of the clock; undefined while there is no reason for one. */
  readonly due: () => number | undefined;
  readonly reconcile: (signal: AbortSignal) => Promise<void>;
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
  /** Called after each reconcile that did not fail: true ends the loop. */
  readonly isDone: () => boolean;
};

type Loop = {
  /** There may be something to do earlier than it seemed. */
  readonly notify: () => void;
  /** The last reconcile failed: what it wrote is unknown, so this one reads and compares everything. */
  readonly isRetry: () => boolean;
  /** Resolves when the loop is done, or the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

// Back in step within 5 s of the end of an outage, however long it was.
const LONGEST_RETRY = 4000;

// Consul and Tandem are often installed together, and the first pods follow at once: nothing registers them before Tandem runs.
const LONGEST_FIRST_RETRY = 1000;

export function createLoop({ clock, random, due, reconcile, failed, isDone }: LoopParts): Loop {
  const wait = createWait(clock);
  let delays = backoff(random, LONGEST_FIRST_RETRY);
  let failedUntil: number | undefined;

  async function reconcileOrRetry(signal: AbortSignal): Promise<void> {
    try {
      await reconcile(signal);
      failedUntil = undefined;
      delays = backoff(random, LONGEST_RETRY);
    } catch (error) {
      if (signal.aborted) return;
      const delay = delays.next();
      failedUntil = clock.elapsed() + delay;
      failed(error, delay);
    }
  }

  return {
    notify: wait.notify,
    isRetry: () => failedUntil !== undefined,
    run: async (signal) => {
      while (!signal.aborted) {
        const next = failedUntil ?? due() ?? Infinity;
        if (next > clock.elapsed()) await wait.until(next, signal);
        else {
          await reconcileOrRetry(signal);
          if (failedUntil === undefined && isDone()) return;
        }
      }
    },
  };
}

type Wait = {
  /** Ends the present wait, or else the next one at once. */
  readonly notify: () => void;
  /** Resolves at the moment, by `elapsed` of the clock, when notified, or when the signal is aborted. */
  readonly until: (moment: number, signal: AbortSignal) => Promise<void>;
};

// setTimeout takes 32 bits: 24.8 days.
const LONGEST_WAIT = 2 ** 31 - 1;

function createWait(clock: Clock): Wait {
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
        const cancel = clock.after(Math.min(Math.max(moment - clock.elapsed(), 0), LONGEST_WAIT), () =>
          end?.(),
        );
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
