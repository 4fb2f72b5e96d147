/** Exponential backoff with full jitter: clients that failed together do not come back together. */

type Backoff = {
  /** Milliseconds to wait before the next attempt; the span that it is drawn from doubles each time. */
  readonly next: () => number;
  readonly reset: () => void;
};

/** As client-go's reflector: 800 ms at first, 30 s at most. */
const FIRST = 800;
export const LONGEST_BACKOFF = 30_000;

/**
 * @param random a number from 0 up to 1
 * @param longest milliseconds
 */
export function backoff(random: () => number, longest = LONGEST_BACKOFF): Backoff {
  let span = FIRST;
  return {
    next: () => {
      const delay = random() * span;
      span = Math.min(span * 2, longest);
      return delay;
    },
    reset: () => {
      span = FIRST;
    },
  };
}
