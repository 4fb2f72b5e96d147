/** Waits for what becomes true by itself, such as a change that travels through Consul to a proxy. */

// A sidecar that starts too early three times waits for 70 s (10, 20 and 40 s) before it starts again.
const DEADLINE_SECONDS = 120;
const POLL_MILLISECONDS = 100;

/**
 * The first value that `attempt` gives without an error. Throws the last error when there is none in two minutes: much
 * more than anything takes here, so that a busy machine fails no test.
 */
export async function eventually<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + DEADLINE_SECONDS * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`not in ${DEADLINE_SECONDS} s: ${what}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
}
