/** One pass after the other, each when it is due; one that fails is repeated, after pauses that grow. */
import { backoff } from '../support/backoff.ts';
import type { Clock } from './loop-clock.ts';
import { createWake } from './wake.ts';

export type PassLoopParts = {
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /** When a pass is due, by `elapsed` of the clock; undefined while there is no reason for one. */
  readonly due: () => number | undefined;
  readonly pass: (signal: AbortSignal) => Promise<void>;
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
  /** Asked after each pass that did not fail: true ends the loop. */
  readonly isDone: () => boolean;
};

export type PassLoop = {
  /** There may be something to do earlier than it seemed. */
  readonly notify: () => void;
  /** The last pass failed: what it wrote is not known, so this one reads and compares everything. */
  readonly isRepeat: () => boolean;
  /** Resolves when the loop is done, or the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

// Back in step within 5 s of the end of an outage, however long it was.
const LONGEST_RETRY = 4000;

export function createPassLoop({ clock, random, due, pass, failed, isDone }: PassLoopParts): PassLoop {
  const wake = createWake(clock);
  const delays = backoff(random, LONGEST_RETRY);
  let failedUntil: number | undefined;

  async function passOrRetry(signal: AbortSignal): Promise<void> {
    try {
      await pass(signal);
      failedUntil = undefined;
      delays.reset();
    } catch (error) {
      if (signal.aborted) return;
      const delay = delays.next();
      failedUntil = clock.elapsed() + delay;
      failed(error, delay);
    }
  }

  return {
    notify: wake.notify,
    isRepeat: () => failedUntil !== undefined,
    run: async (signal) => {
      while (!signal.aborted) {
        const next = failedUntil ?? due() ?? Infinity;
        if (next > clock.elapsed()) await wake.until(next, signal);
        else {
          await passOrRetry(signal);
          if (failedUntil === undefined && isDone()) return;
        }
      }
    },
  };
}
