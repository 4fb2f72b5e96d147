/** Repeats a read of Consul as long as it is needed: started again after each failure, with growing pauses. */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../support/backoff.ts';

export type UntilStopped = {
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly onFailure: (error: unknown, retryMilliseconds: number) => void;
  /** Milliseconds of the longest pause; 4 s unless told. */
  readonly longestPause?: number;
};

// Back in step within 5 s of the end of an outage.
const LONGEST_PAUSE = 4000;

/**
 * Never rejects.
 *
 * @param step called again when it has ended, and after a failure; calls back whenever something went well, so that the next
 *   pause is a short one
 */
export async function untilStopped(
  { signal, random, onFailure, longestPause = LONGEST_PAUSE }: UntilStopped,
  step: (succeeded: () => void) => Promise<void>,
): Promise<void> {
  const delays = backoff(random, longestPause);
  while (!signal.aborted) {
    try {
      await step(delays.reset);
    } catch (error) {
      if (signal.aborted) return;
      const pause = delays.next();
      onFailure(error, pause);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}
