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

/** A pod that is replaced: its service and its proxy are registered when it has a node, and again when it has an address. */
const REGISTRATIONS_A_POD = 4;
// Of pods that are not deleted, so that their readiness can be changed meanwhile.
export const OBSERVED = 10;

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

/** How much happens: as a share of what Consul takes, so that the figures of a slow machine are those of a fast one. */
export type Load = {
  /** Pods replaced, or deleted, in a second. */
  readonly rate: number;
  /** The same for people. */
  readonly text: string;
};

/** @param capacity registrations a second that Consul takes */
export function loadOf(share: number, capacity: number): Load {
  const rate = (share * capacity) / REGISTRATIONS_A_POD;
  return { rate, text: `${Math.round(share * 100)} % of what Consul takes` };
}

/** Pods are deleted all the time. @param population how many pods there were, of which the last ones go */
export async function benchDeletions(
  parts: Parts,
  population: number,
  { rate, text }: Load,
  seconds: number,
): Promise<void> {
  const times: number[] = [];
  await paced(rate, seconds, async (index) => {
    times.push((await timedDeletion(parts, samplePod(population - 1 - index, population))).here);
  });
  print('pod deletion to deregistration', `alone, at the rate of ${text}`, times, 2000, rateText(rate));
}

/**
 * Pods are deleted all the time, each is replaced by another, and the readiness of some is changed meanwhile.
 *
 * @param population how many pods there are, before and after; the first ones are replaced
 * @param from the first of them; every run needs others
 */
export async function benchReplacements(
  parts: Parts,
  population: number,
  { rate, text }: Load,
  { from, seconds }: { readonly from: number; readonly seconds: number },
): Promise<number> {
  const { api, consul, sync } = parts;
  const deletions: number[] = [];
  const ofApi: number[] = [];
  const readiness: number[] = [];
  const replace = async (index: number): Promise<void> => {
    const nth = OBSERVED + from + index;
    const coming = placePod(api, samplePod(population + nth, population));
    const { here, there } = await timedDeletion(parts, samplePod(nth, population));
    deletions.push(here);
    ofApi.push(there);
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
  const [replaced] = await Promise.all([
    paced(rate, seconds, replace),
    ...Array.from({ length: OBSERVED }, (_, index) => observe(index)),
  ]);
  const took = (performance.now() - begin) / 1000;
  const after = await Promise.all([cpuSeconds(sync.process.pid), cpuSeconds(consul.process().pid)]);
  const [own = 0, ofConsul = 0] = after.map((each, index) => (each - (before[index] ?? 0)) / took);
  const note = `${rateText(rate)}; the API server's own p99 ${Math.round(percentile(ofApi, 0.99))}`;
  print('pod deletion to deregistration', text, deletions, 2000, note);
  print('pod Ready to passing', text, readiness, 2000, rateText(rate));
  figure(
    `registrar: CPU, ${text}`,
    own * 100,
    '% of a core',
    `Consul: ${Math.round(ofConsul * 100)} %; ${population} pods; ${((own * took * 1000) / replaced).toFixed(1)} ms a pod`,
  );
  return replaced;
}

function rateText(rate: number): string {
  return `${Math.round(rate)} pods a second`;
}

type DeletionTimes = {
  /** Milliseconds from the answer of the API server until neither the service nor its proxy is in Consul. */
  readonly here: number;
  /** That the API server took. */
  readonly there: number;
};

async function timedDeletion({ api, consul }: Parts, pod: SamplePod): Promise<DeletionTimes> {
  const isGone = (answer: unknown): boolean =>
    !(answer as readonly { readonly ServiceMeta: Readonly<Record<string, string>> }[]).some(
      ({ ServiceMeta }) => ServiceMeta['pod-name'] === pod.name,
    );
  const start = performance.now();
  await removePod(api, pod);
  const answered = performance.now();
  await Promise.all(
    [pod.service, `${pod.service}-sidecar-proxy`].map((service) =>
      seenAtConsul(`${consul.url}/v1/catalog/service/${service}`, isGone),
    ),
  );
  return { here: performance.now() - answered, there: answered - start };
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

function print(what: string, when: string, times: readonly number[], target: number, note = ''): void {
  figure(
    `registrar: ${what}, p99, ${when}`,
    percentile(times, 0.99),
    'ms',
    `target <= ${target}; p50 ${Math.round(median(times))}, the longest ${Math.round(Math.max(...times))} of ${times.length}${note === '' ? '' : `; ${note}`}`,
  );
}
