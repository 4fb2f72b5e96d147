/** From what happens to a pod until Consul has it, as somebody sees it who waits for it there. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ApiServer } from '../../real/harness/api-server.ts';
import type { Consul } from '../../real/harness/consul.ts';
import { seenAtConsul } from '../consul-query.ts';
import { figure, median, percentile } from '../figure.ts';
import { paced } from '../paced.ts';
import { cpuSeconds } from '../process-usage.ts';
import type { SyncProcess } from '../sync/sync-process.ts';
import { NAMESPACE, placePod, removePod, samplePod, setReady, type SamplePod } from './sample-pods.ts';

const DELETIONS_A_SECOND = 50;
// Of pods that are not deleted, so that their readiness can be changed meanwhile.
const OBSERVED = 10;

type Parts = { readonly api: ApiServer; readonly consul: Consul; readonly sync: SyncProcess };

/** One change after the other, each on a quiet system. @param population how many pods there are */
export async function benchQuietReadiness(parts: Parts, population: number, changes: number): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < changes; index += 1) {
    times.push(await timedReadiness(parts, samplePod(index % OBSERVED, population)));
    // Past the time that Tandem collects changes for, so that each is alone.
    await wait(Math.random() * 100);
  }
  print('pod Ready to passing', 'quiet', times, 1000);
}

/** Fifty pods are deleted in every second. @param population how many pods there were, of which the last ones go */
export async function benchDeletions(parts: Parts, population: number, seconds: number): Promise<void> {
  const times: number[] = [];
  await paced(DELETIONS_A_SECOND, seconds, async (index) => {
    times.push(await timedDeletion(parts, samplePod(population - 1 - index, population)));
  });
  print('pod deletion to deregistration', `${DELETIONS_A_SECOND} a second`, times, 2000);
}

/**
 * Fifty pods are deleted in every second, each is replaced by another, and the readiness of some is changed meanwhile.
 *
 * @param population how many pods there are, before and after; the first ones are replaced
 */
export async function benchReplacements(parts: Parts, population: number, seconds: number): Promise<void> {
  const { api, consul, sync } = parts;
  const deletions: number[] = [];
  const readiness: number[] = [];
  const replace = async (index: number): Promise<void> => {
    const coming = placePod(api, samplePod(population + OBSERVED + index, population));
    deletions.push(await timedDeletion(parts, samplePod(OBSERVED + index, population)));
    await coming;
  };
  const end = performance.now() + seconds * 1000;
  const observe = async (index: number): Promise<void> => {
    while (performance.now() < end) {
      await wait(Math.random() * 1000);
      readiness.push(await timedReadiness(parts, samplePod(index, population)));
    }
  };
  const before = await Promise.all([cpuSeconds(sync.process.pid), cpuSeconds(consul.process().pid)]);
  const begin = performance.now();
  await Promise.all([
    paced(DELETIONS_A_SECOND, seconds, replace),
    ...Array.from({ length: OBSERVED }, (_, index) => observe(index)),
  ]);
  const took = (performance.now() - begin) / 1000;
  const after = await Promise.all([cpuSeconds(sync.process.pid), cpuSeconds(consul.process().pid)]);
  const [own = 0, ofConsul = 0] = after.map((each, index) => (each - (before[index] ?? 0)) / took);
  const rate = `${DELETIONS_A_SECOND} replaced a second`;
  print('pod deletion to deregistration', rate, deletions, 2000);
  print('pod Ready to passing', rate, readiness, 1000);
  figure(
    `registrar: CPU, ${rate}`,
    own * 100,
    '% of a core',
    `Consul: ${Math.round(ofConsul * 100)} %; ${population} pods`,
  );
}

/** Milliseconds from asking for the deletion until neither the service nor its proxy is in Consul. */
async function timedDeletion({ api, consul }: Parts, pod: SamplePod): Promise<number> {
  const isGone = (answer: unknown): boolean =>
    !(answer as readonly { readonly ServiceMeta: Readonly<Record<string, string>> }[]).some(
      ({ ServiceMeta }) => ServiceMeta['pod-name'] === pod.name,
    );
  const start = performance.now();
  await removePod(api, pod);
  await Promise.all(
    [pod.service, `${pod.service}-sidecar-proxy`].map((service) =>
      seenAtConsul(`${consul.url}/v1/catalog/service/${service}`, isGone),
    ),
  );
  return performance.now() - start;
}

/** Not ready first, and when Consul has that: milliseconds from Ready until the instance passes. */
async function timedReadiness({ api, consul }: Parts, pod: SamplePod): Promise<number> {
  const is = (status: string): Promise<void> =>
    seenAtConsul(`${consul.url}/v1/health/checks/${pod.service}`, (answer) =>
      (answer as readonly { readonly ServiceID: string; readonly Status: string }[]).some(
        ({ ServiceID, Status }) =>
          ServiceID === `${NAMESPACE}.${pod.name}.${pod.service}` && Status === status,
      ),
    );
  await setReady(api, pod, false);
  await is('critical');
  const start = performance.now();
  await setReady(api, pod, true);
  await is('passing');
  return performance.now() - start;
}

function print(what: string, when: string, times: readonly number[], target: number): void {
  figure(
    `registrar: ${what}, p99, ${when}`,
    percentile(times, 0.99),
    'ms',
    `target <= ${target}; p50 ${Math.round(median(times))}, the longest ${Math.round(Math.max(...times))} of ${times.length}`,
  );
}
