/** Clusters that come up beside each other: all of them, or none. */
import { startCluster, type StartedCluster } from './keeper-client.ts';

/**
 * Rejects with the reason of the first that does not come up; then nothing is left of the others either.
 *
 * @param signal ends them while they come up
 */
export async function startClusters(
  count: number,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<readonly StartedCluster[]> {
  const failed = new AbortController();
  const started = Array.from({ length: count }, async (_, index) => {
    const name = count === 1 ? 'the cluster' : `cluster ${index + 1}`;
    try {
      const cluster = await startCluster({
        signal: AbortSignal.any([signal, failed.signal]),
        onProgress: (text) => say(count === 1 ? text : `${name}: ${text}`),
      });
      say(`${name} is up: export KUBECONFIG=${cluster.kubeconfig}`);
      return cluster;
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(started);
  const up = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (!failed.signal.aborted) return up;
  await Promise.all(up.map((cluster) => cluster.end()));
  throw failed.signal.reason;
}
