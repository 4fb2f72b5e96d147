/** What people run, and what is looked at when it runs. */
import assert from 'node:assert/strict';
import { eventually } from '../../real/harness/eventually.ts';
import { property } from '../../../src/support/json.ts';
import type { Cluster } from './cluster.ts';
import { containersOf, podsOf, type Pod } from './list.ts';
import { secondsSince } from './release.ts';

/** Namespace of the demonstrations; its name is the suite's own, because the suite removes it. */
export const DEMO = 'tandem-demo';
/** `connectInject.drainSeconds` of the chart. */
export const DRAIN_SECONDS = 5;
/** Half of the grace period of 30 s that nothing may wait out, and more than the end of a pod takes on a busy machine. */
export const SOON_SECONDS = 15;
/** Of the examples, as consul-k8s has them, and of the pod with several services. */
export const UPSTREAMS = { counting: 9001, redis: 1234, shop: 1235, 'shop-admin': 1236 };
export const UPSTREAM_LIST = Object.entries(UPSTREAMS)
  .map(([service, port]) => `${service}:${port}`)
  .join();

/** Files of `examples/` as they are. */
export async function applyExamples(cluster: Cluster, files: readonly string[]): Promise<void> {
  const names = files.flatMap((file) => ['-f', `examples/${file}`]);
  await cluster.kubectl(['apply', `--namespace=${DEMO}`, ...names]);
}

/** The newest pod with that label `app`. */
export async function podOf(cluster: Cluster, app: string): Promise<Pod> {
  const pod = (await podsOf(cluster.api, DEMO, `app=${app}`)).find(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
  if (pod === undefined) throw new Error(`no pod has app=${app}`);
  return pod;
}

/** Whatever started more than once, of the namespaces. */
export async function restarts(cluster: Cluster, namespaces: readonly string[]): Promise<readonly string[]> {
  const pods = (await Promise.all(namespaces.map((each) => podsOf(cluster.api, each)))).flat();
  assert.ok(pods.length > 0);
  return pods.flatMap((pod) =>
    containersOf(pod)
      .filter(({ restartCount }) => restartCount > 0)
      .map(({ name, restartCount }) => `${pod.metadata.name} ${name}: ${restartCount}`),
  );
}

export type FinishedJob = {
  /** From `kubectl apply` to the end of the Job. */
  readonly seconds: number;
  /** From the end of its own container to that of the pod, in whole seconds. */
  readonly lingered: number;
  readonly log: string;
};

/** examples/job.yaml, run to its end. */
export async function runJob(cluster: Cluster): Promise<FinishedJob> {
  const from = performance.now();
  await applyExamples(cluster, ['job.yaml']);
  await eventually('the end of the Job', async () => {
    const job = await cluster.api.expect('GET', `/apis/batch/v1/namespaces/${DEMO}/jobs/report`);
    const { succeeded, failed } = job['status'] as Readonly<Record<string, number | undefined>>;
    assert.deepEqual([succeeded, failed], [1, undefined]);
  });
  const seconds = secondsSince(from);
  const [pod] = await podsOf(cluster.api, DEMO, 'job-name=report');
  const ends = (pod === undefined ? [] : containersOf(pod)).map(
    ({ name, state }): readonly [string, number] => [name, Date.parse(state?.terminated?.finishedAt ?? '')],
  );
  const [, own = Number.NaN] = ends.find(([name]) => name === 'report') ?? [];
  const lingered = (Math.max(...ends.map(([, end]) => end)) - own) / 1000;
  return {
    seconds,
    lingered,
    log: await cluster.kubectl(['logs', 'job/report', '-c', 'report', '-n', DEMO]),
  };
}

/** Meta `pod-name` of the instances of a service in Consul that pass. */
export async function podNames(
  consul: (method: string, path: string) => Promise<unknown>,
  service: string,
): Promise<readonly string[]> {
  const found = (await consul('GET', `/v1/health/service/${service}?passing`)) as readonly unknown[];
  return found
    .map((entry) => String(property(property(property(entry, 'Service'), 'Meta'), 'pod-name')))
    .toSorted();
}

/** Seconds from the request to delete it until the API server has no such pod any more. */
export async function deletionSeconds({ api }: Cluster, name: string): Promise<number> {
  const path = `/api/v1/namespaces/${DEMO}/pods/${name}`;
  const from = performance.now();
  await api.expect('DELETE', path);
  await eventually(`the end of pod ${name}`, async () =>
    assert.equal((await api.request('GET', path)).status, 404),
  );
  return secondsSince(from);
}

/** Count that the counting service gives through this upstream. */
export async function countOf(get: (url: string) => Promise<string>): Promise<number> {
  const answer: unknown = JSON.parse(await get(`http://127.0.0.1:${UPSTREAMS.counting}`));
  return Number(property(answer, 'count'));
}
