/** Waits for what becomes true by itself, such as a change that travels through Consul to a proxy. */

// A sidecar that starts too early three times waits for 70 s (10, 20 and 40 s) before it starts again.
const DEADLINE_SECONDS = 120;
// The longer something takes, the less often it is asked: a tenth of the wait is lost, and no processor is kept busy by asking.
const SHORTEST_MILLISECONDS = 100;
const LONGEST_MILLISECONDS = 500;

/**
 * The first value that `attempt` gives without an error. Throws the last error when there is none in two minutes: much
 * more than anything takes here, so that a busy machine fails no test.
 */
export async function eventually<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  const start = Date.now();
  const deadline = start + DEADLINE_SECONDS * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`not in ${DEADLINE_SECONDS} s: ${what}`, { cause: error });
      const pause = Math.min(
        Math.max((Date.now() - start) / 10, SHORTEST_MILLISECONDS),
        LONGEST_MILLISECONDS,
      );
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
