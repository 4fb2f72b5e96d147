/** From a change of an EndpointSlice to its commit in Consul, as somebody sees it who waits for it there. */
import { setTimeout as wait } from 'node:timers/promises';
import { MERGE_PATCH } from '../../real/harness/api-client.ts';
import type { ApiServer } from '../../real/harness/api-server.ts';
import type { Consul } from '../../real/harness/consul.ts';
import { figure, median, percentile } from '../figure.ts';
import { paced } from '../paced.ts';
import { cpuSeconds } from '../process-usage.ts';
import { ENDPOINTS, sampleSlice, serviceName } from './sample-services.ts';
import type { SyncCounts, SyncProcess } from './sync-process.ts';

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

type Parts = { readonly api: ApiServer; readonly consul: Consul; readonly sync: SyncProcess };

/** One change after the other, each on a quiet system. */
export async function benchQuietChange(parts: Parts, changes: number): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < changes; index += 1) {
    times.push(await timedChange(parts, index % 10, Math.floor(index / 10) % 2 === 1));
    // Past the time that Tandem collects changes for, so that each is alone.
    await wait(Math.random() * 100);
  }
  printTimes('quiet', times);
}

// Services whose endpoints are not replaced: the readiness of one is changed, or it is removed, and comes back.
const OBSERVED = 10;

/**
 * Pods of Services are replaced all the time, each by a registration and a removal, beside changes that somebody waits for.
 *
 * @param services how many there are
 * @param capacity registrations a second that Consul takes
 * @param share of it that is asked for
 */
export async function benchChurn(
  parts: Parts,
  { services, capacity, share, seconds }: Record<'services' | 'capacity' | 'share' | 'seconds', number>,
): Promise<void> {
  const { sync, consul, api } = parts;
  const usage = async (): Promise<Usage> => ({
    ...(await sync.counts()),
    cpu: await cpuSeconds(sync.process.pid),
    consulCpu: await cpuSeconds(consul.process().pid),
  });
  const end = performance.now() + seconds * 1000;
  const before = await usage();
  const checks: number[] = [];
  const removals: number[] = [];
  const observe = async (index: number): Promise<void> => {
    for (let isChanged = true; performance.now() < end; isChanged = !isChanged) {
      await wait(Math.random() * 1000);
      const [isReady, endpoints] =
        index % 2 === 0 ? [!isChanged, ENDPOINTS] : [true, ENDPOINTS - Number(isChanged)];
      const time = await timedChange(parts, index, isReady, endpoints);
      if (index % 2 === 0) checks.push(time);
      else if (isChanged) removals.push(time);
    }
  };
  let replaced = 0;
  const replace = (nth: number): Promise<unknown> =>
    change(api, OBSERVED + (nth % (services - OBSERVED)), true, ENDPOINTS, (replaced += 1));
  const [changes] = await Promise.all([
    paced(share * capacity, seconds, replace),
    ...Array.from({ length: OBSERVED }, (_, index) => observe(index)),
  ]);
  const took = seconds + (performance.now() - end) / 1000;
  const after = await usage();
  const each = (of: (usage: Usage) => number): number => (of(after) - of(before)) / took;
  const rate = `${Math.round(share * 100)} % of what Consul takes`;
  figure(`sync: pods replaced at ${rate}`, changes / took, '/s', `of ${Math.round(capacity)} registrations`);
  printTimes(`check, ${rate}`, checks);
  printTimes(`removal, ${rate}`, removals);
  figure(
    `sync: requests to Consul at ${rate}`,
    each(({ requests }) => requests),
    '/s',
    `${each(({ transactions }) => transactions).toFixed(1)} of them write`,
  );
  figure(
    `sync: CPU at ${rate}`,
    each(({ cpu }) => cpu) * 100,
    '% of a core',
    `Consul: ${Math.round(each(({ consulCpu }) => consulCpu) * 100)} %`,
  );
}

type Usage = SyncCounts & { readonly cpu: number; readonly consulCpu: number };

/** Milliseconds from the answer of the API server to the change until a blocking query at Consul has answered with it. */
async function timedChange(
  { api, consul }: Parts,
  index: number,
  isReady: boolean,
  endpoints = ENDPOINTS,
): Promise<number> {
  const path = `/v1/health/service/${serviceName(index)}`;
  const first = await asked(consul, path, 0);
  await change(api, index, isReady, endpoints);
  const start = performance.now();
  for (let seen = first; ; seen = await asked(consul, path, seen.index)) {
    if (seen.isReady === isReady && seen.endpoints === endpoints) return performance.now() - start;
  }
}

function change(
  api: ApiServer,
  index: number,
  isReady: boolean,
  endpoints = ENDPOINTS,
  replaced = 0,
): Promise<unknown> {
  const slice = sampleSlice(index, isReady, ENDPOINTS, replaced) as { readonly endpoints: readonly object[] };
  const content = { ...slice, endpoints: slice.endpoints.slice(0, endpoints) };
  return api.admin.expect('PATCH', `${SLICES}/${serviceName(index)}-slice`, content, MERGE_PATCH);
}

type Seen = { readonly index: number; readonly isReady: boolean; readonly endpoints: number };

async function asked(consul: Consul, path: string, index: number): Promise<Seen> {
  const response = await fetch(`${consul.url}${path}?index=${index}&wait=60s`);
  const entries = (await response.json()) as { Checks: { Status: string }[] }[];
  const isReady = entries.every(({ Checks }) => Checks.every(({ Status }) => Status === 'passing'));
  return { index: Number(response.headers.get('x-consul-index')), isReady, endpoints: entries.length };
}

function printTimes(when: string, times: readonly number[]): void {
  figure(
    `sync: change to commit, p50, ${when}`,
    median(times),
    'ms',
    `target <= 250; ${times.length} changes`,
  );
  figure(
    `sync: change to commit, p99, ${when}`,
    percentile(times, 0.99),
    'ms',
    `target <= 1000; the longest ${Math.round(Math.max(...times))}`,
  );
}
