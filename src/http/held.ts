/** Caches what is expensive to make and anybody may ask for: it is made again after a pause in proportion to its cost. */

// However often it is asked for, making it takes at most a tenth of the time.
export const PAUSE_SHARE = 9;

/**
 * Returns what was made last, which is at most 9 times as old as the time it took to make.
 *
 * @param elapsed milliseconds, monotonic
 */
export function held<T>(make: () => T, elapsed: () => number = () => performance.now()): () => T {
  let last: { readonly value: T; readonly until: number } | undefined;
  return () => {
    const start = elapsed();
    if (last !== undefined && start < last.until) return last.value;
    const value = make();
    const end = elapsed();
    last = { value, until: end + (end - start) * PAUSE_SHARE };
    return value;
  };
}
