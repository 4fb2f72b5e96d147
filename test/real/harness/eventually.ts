/** Waits for what becomes true by itself, such as a change that travels through Consul to a proxy. */

const DEADLINE_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 100;

/**
 * The first value that `attempt` gives without an error. Throws the last error when there is none in 60 s: much more than
 * anything takes here, so that a busy machine fails no test.
 */
export async function eventually<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + DEADLINE_MILLISECONDS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`not in 60 s: ${what}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
}
