/** A page of a pod that takes no plain call: through the port that kubectl forwards into it. */
import { startProcess } from '../../real/harness/processes.ts';
import { partPath } from '../../real/parts.ts';
import type { Cluster } from './cluster.ts';
import { DEMO } from './demos.ts';

const FORWARDED = /^Forwarding from 127\.0\.0\.1:(\d+) /m;

/** @param target as `kubectl port-forward` takes it; rejects when there is no page, or one without status 200 */
export async function forwardedPage(cluster: Cluster, target: string, port: number): Promise<string> {
  const forward = await startProcess({
    name: `kubectl port-forward ${target}`,
    command: partPath('kubectl'),
    args: ['port-forward', `--namespace=${DEMO}`, target, `:${port}`],
    environment: cluster.environment,
    ready: async (log) => FORWARDED.test(log),
  });
  try {
    const [, local] = FORWARDED.exec(forward.log()) ?? [];
    const answer = await fetch(`http://127.0.0.1:${local}/`);
    if (!answer.ok) throw new Error(`${target}: status ${answer.status}`);
    return await answer.text();
  } finally {
    await forward.stop();
  }
}
