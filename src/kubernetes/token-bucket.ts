/** A token bucket: a burst at once, and then one token at intervals. */

type BucketRate = {
  readonly burst: number;
  /** Milliseconds until a token that was taken is refilled. */
  readonly refill: number;
};

/**
 * @param elapsed milliseconds that never jump
 * @returns takes a token; false when there is none
 */
export function tokenBucket({ burst, refill }: BucketRate, elapsed: () => number): () => boolean {
  let tokens = burst;
  let at = elapsed();
  return () => {
    const now = elapsed();
    tokens = Math.min(burst, tokens + (now - at) / refill);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
