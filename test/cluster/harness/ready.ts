/** The wait for the pods of a namespace, which ends early when there is nothing to wait for. */
import { setTimeout as delay } from 'node:timers/promises';
import { deniedRights } from './denied-rights.ts';
import { withEvidence } from './evidence.ts';
import { eventsOf, isReady, podsOf, workloadsOf, type Pod } from './list.ts';
import { hopeless, LISTENS_MILLISECONDS, unready } from './trouble.ts';
import type { Cluster } from './cluster.ts';

// What is waited for is in objects of five kinds: lists that are read again are simpler than five watches.
const POLL_MILLISECONDS = 500;
// Ten times of what it takes; a node that has to pull images first needs more than one that has them.
const DEADLINE_SECONDS = 240;
// What is new is known to every part of the API server in less than a second. Logs are read rarely, and only of what is late.
const RIGHTS_MILLISECONDS = 15_000;

/**
 * Resolves when each Deployment, StatefulSet and DaemonSet has all of its pods Ready and of its newest version. Rejects with
 * evidence as soon as a pod cannot start, or something refuses to make it.
 *
 * @param listens milliseconds in which a container has opened its port
 */
export function allReady(cluster: Cluster, namespace: string, listens = LISTENS_MILLISECONDS): Promise<void> {
  const missing = async (): Promise<readonly string[]> => {
    const workloads = await workloadsOf(cluster.api, namespace);
    return workloads.length === 0 ? ['there is no workload yet'] : unready(workloads);
  };
  return waiting(cluster, namespace, `all of ${namespace} is Ready`, missing, listens);
}

/** The same for single pods, such as those that no controller has made; it gives them as they are then. */
export async function podsReady(
  cluster: Cluster,
  namespace: string,
  names: readonly string[],
): Promise<readonly Pod[]> {
  let found: readonly Pod[] = [];
  await waiting(cluster, namespace, `${names.join(', ')} in ${namespace} Ready`, async () => {
    const pods = await podsOf(cluster.api, namespace);
    found = pods.filter(({ metadata }) => names.includes(metadata.name));
    const ready = new Set(found.filter(isReady).map(({ metadata }) => metadata.name));
    return names.filter((name) => !ready.has(name)).map((name) => `pod ${name} is not Ready`);
  });
  return found;
}

/** @param missing what is not there yet, in sentences */
async function waiting(
  cluster: Cluster,
  namespace: string,
  what: string,
  missing: () => Promise<readonly string[]>,
  listens = LISTENS_MILLISECONDS,
): Promise<void> {
  const deadline = Date.now() + DEADLINE_SECONDS * 1000;
  let rightsDue = Date.now() + RIGHTS_MILLISECONDS;
  await withEvidence(cluster, [namespace], what, async () => {
    for (;;) {
      const sentences = await missing();
      if (sentences.length === 0) return;
      const { api } = cluster;
      const [pods, events] = await Promise.all([podsOf(api, namespace), eventsOf(api, namespace)]);
      const reasons = [...hopeless(pods, events, Date.now(), listens)];
      if (Date.now() > rightsDue) {
        reasons.push(...(await deniedRights(api, pods)));
        rightsDue = Date.now() + RIGHTS_MILLISECONDS;
      }
      if (reasons.length > 0) throw new Error(`never: ${what}\n${reasons.join('\n')}`);
      if (Date.now() > deadline)
        throw new Error(`not in ${DEADLINE_SECONDS} s: ${what}\n${sentences.join('\n')}`);
      await delay(POLL_MILLISECONDS);
    }
  });
}
