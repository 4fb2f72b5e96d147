/** How long pods take, with a sidecar and without: each figure is the ratio of the same pod in the same run. */
import { setTimeout as delay } from 'node:timers/promises';
import { appPod, type PodTemplate } from '../harness/app-pod.ts';
import type { Cluster } from '../harness/cluster.ts';
import { containersOf, isReady, list, podsOf, type Pod } from '../harness/list.ts';

/** Seconds, in the order in which the pods got there. */
export type PodTimes = {
  /** From the answer to their creation, which the scheduler follows at once, until they are Ready. */
  readonly ready: readonly number[];
  /** From the answer to their deletion until they are gone. */
  readonly gone: readonly number[];
  /** Of all their containers. */
  readonly restarts: number;
};

const POLL_MILLISECONDS = 50;
const PORT = 8080;
const LABEL = 'figure';
// Fifty at once on two cores take about a minute.
const DEADLINE_SECONDS = 240;

/**
 * Makes pods and deletes them, `rounds` times so many at once. The sources of the applications are in the namespace.
 *
 * @param injected whether they ask for a sidecar
 */
export async function podTimes(
  cluster: Cluster,
  namespace: string,
  {
    injected,
    atOnce,
    rounds,
  }: { readonly injected: boolean; readonly atOnce: number; readonly rounds: number },
): Promise<PodTimes> {
  const all: PodTimes[] = [];
  for (let round = 0; round < rounds; round += 1)
    all.push(await oneRound(cluster, namespace, injected, atOnce));
  return {
    ready: all.flatMap(({ ready }) => ready),
    gone: all.flatMap(({ gone }) => gone),
    restarts: all.reduce((sum, { restarts }) => sum + restarts, 0),
  };
}

async function oneRound(
  cluster: Cluster,
  namespace: string,
  injected: boolean,
  atOnce: number,
): Promise<PodTimes> {
  const { api } = cluster;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const pods = Array.from({ length: atOnce }, (_, index) =>
    samplePod(cluster, `${LABEL}-${index}`, injected),
  );
  const createdAt = performance.now();
  await Promise.all(pods.map((pod) => api.expect('POST', path, pod)));
  const ready = await whenEach(
    cluster,
    namespace,
    atOnce,
    createdAt,
    (found) => found.filter(isReady).length,
  );
  const restarts = (await podsOf(api, namespace, LABEL))
    .flatMap(containersOf)
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  const deletedAt = performance.now();
  await api.expect('DELETE', `${path}?labelSelector=${LABEL}`);
  const gone = await whenEach(cluster, namespace, atOnce, deletedAt, (found) => atOnce - found.length);
  return { ready, gone, restarts };
}

function samplePod(cluster: Cluster, name: string, injected: boolean): PodTemplate {
  const labels = { [LABEL]: 'true' };
  const asks = injected ? { annotations: { 'connect-service': 'figure' } } : {};
  return appPod(cluster, name, {
    app: 'web-server.ts',
    args: ['x', String(PORT)],
    port: PORT,
    labels,
    ...asks,
  });
}

/** Seconds since `from` at which the first, the second … counted. */
async function whenEach(
  { api }: Cluster,
  namespace: string,
  count: number,
  from: number,
  counted: (found: readonly Pod[]) => number,
): Promise<readonly number[]> {
  const times: number[] = [];
  while (times.length < count) {
    const reached = counted(await podsOf(api, namespace, LABEL));
    const seconds = (performance.now() - from) / 1000;
    if (seconds > DEADLINE_SECONDS) throw new Error(`${reached} of ${count} pods in ${DEADLINE_SECONDS} s`);
    while (times.length < reached) times.push(seconds);
    await delay(POLL_MILLISECONDS);
  }
  return times;
}

type Job = {
  readonly status: { readonly succeeded?: number };
};

/** Seconds from the creation of a Job whose container ends at once until Kubernetes calls it complete. */
export async function jobSeconds(cluster: Cluster, namespace: string, injected: boolean): Promise<number> {
  const { api } = cluster;
  const { metadata, spec } = samplePod(cluster, 'job', injected);
  const [container] = (spec as { readonly containers: readonly object[] }).containers;
  const containers = [{ ...container, command: ['node', '-e', ''], readinessProbe: undefined }];
  const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const name = injected ? 'injected' : 'bare';
  const from = performance.now();
  await api.expect('POST', jobs, {
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { ...metadata, name: undefined },
        spec: { ...spec, containers, restartPolicy: 'Never' },
      },
    },
  });
  for (;;) {
    const [job] = await list<Job>(api, `${jobs}?fieldSelector=metadata.name%3D${name}`);
    const seconds = (performance.now() - from) / 1000;
    if (job?.status.succeeded === 1) {
      await api.expect('DELETE', `${jobs}/${name}?propagationPolicy=Background`);
      return seconds;
    }
    if (seconds > DEADLINE_SECONDS)
      throw new Error(`no end of the Job in ${DEADLINE_SECONDS} s: ${JSON.stringify(job?.status)}`);
    await delay(POLL_MILLISECONDS);
  }
}
