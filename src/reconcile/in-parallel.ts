/** Several calls at a time; none is started after one has failed. */

// Measured against Consul 1.20 servers on two cores: 1, 2, 4 and 8 transactions at a time take the same time, because the
// server applies one after the other, but each waits 55, 120, 230 and 430 ms, and so does everybody else who writes. So only
// one more than the server works on, which covers the round trip.
const CONCURRENCY = 2;

/**
 * For single registrations, and for reads. The servers write to their disks once for all that came meanwhile: 1, 2, 4, 8 and 16
 * at a time were 285, 387, 470, 544 and 551 a second with three servers on two cores, and each waited 3, 4, 8, 13 and 27 ms.
 */
export const SMALL_CALLS = 8;

type InParallelOptions = {
  readonly atATime?: number;
  /** Aborted: no more calls are started. */
  readonly signal?: AbortSignal;
};

/** Rejects with the first failure, once the calls in flight have ended. */
export async function inParallel<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
  { atATime = CONCURRENCY, signal }: InParallelOptions = {},
): Promise<void> {
  const left = [...items].values();
  let isFailed = false;
  const run = async (): Promise<void> => {
    for (const item of left) {
      if (isFailed || signal?.aborted === true) return;
      try {
        await work(item);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: atATime }, run));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
