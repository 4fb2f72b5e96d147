/** From a change of an EndpointSlice to its commit in Consul, as somebody sees it who waits for it there. */
import { setTimeout as wait } from 'node:timers/promises';
import { MERGE_PATCH } from '../../real/harness/api-client.ts';
import type { ApiServer } from '../../real/harness/api-server.ts';
import type { Consul } from '../../real/harness/consul.ts';
import { figure, median, percentile } from '../figure.ts';
import { paced } from '../paced.ts';
import { cpuSeconds } from '../process-usage.ts';
import { sampleSlice, serviceName } from './sample-services.ts';
import type { SyncCounts, SyncProcess } from './sync-process.ts';

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
// A change is an operation of a transaction, which costs Consul less than a registration; the API server takes its part, too.
const SHARE = 0.25;

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

/**
 * Ten Services are changed and watched while the others churn.
 *
 * @param services how many there are
 * @param capacity registrations a second that Consul takes
 */
export async function benchChurn(
  parts: Parts,
  services: number,
  capacity: number,
  seconds: number,
): Promise<void> {
  const { sync, consul } = parts;
  const usage = async (): Promise<Usage> => ({
    ...(await sync.counts()),
    cpu: await cpuSeconds(sync.process.pid),
    consulCpu: await cpuSeconds(consul.process().pid),
  });
  const end = performance.now() + seconds * 1000;
  const before = await usage();
  const times: number[] = [];
  const observe = async (index: number): Promise<void> => {
    for (let isReady = false; performance.now() < end; isReady = !isReady) {
      await wait(Math.random() * 1000);
      times.push(await timedChange(parts, index, isReady));
    }
  };
  const [changes] = await Promise.all([
    churn(parts.api, services, SHARE * capacity, seconds),
    ...Array.from({ length: 10 }, (_, index) => observe(index)),
  ]);
  const after = await usage();
  const each = (of: (usage: Usage) => number): number => (of(after) - of(before)) / seconds;
  const rate = `${SHARE * 100} % of what Consul takes`;
  figure(`sync: changes at ${rate}`, changes / seconds, '/s', `of ${Math.round(capacity)} registrations`);
  printTimes(rate, times);
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

/** Resolves with the number of changes. */
function churn(api: ApiServer, services: number, wanted: number, seconds: number): Promise<number> {
  return paced(wanted, seconds, (nth) => {
    // The first ten are those that are observed.
    const index = 10 + (nth % (services - 10));
    const isReady = Math.floor(nth / (services - 10)) % 2 === 1;
    return change(api, index, isReady);
  });
}

/** Milliseconds from sending the change to the API server until a blocking query at Consul has answered with it. */
async function timedChange({ api, consul }: Parts, index: number, isReady: boolean): Promise<number> {
  const path = `/v1/health/service/${serviceName(index)}`;
  const first = await asked(consul, path, 0);
  const start = performance.now();
  await change(api, index, isReady);
  for (let seen = first; ; seen = await asked(consul, path, seen.index)) {
    if (seen.isReady === isReady) return performance.now() - start;
  }
}

function change(api: ApiServer, index: number, isReady: boolean): Promise<unknown> {
  return api.admin.expect(
    'PATCH',
    `${SLICES}/${serviceName(index)}-slice`,
    sampleSlice(index, isReady),
    MERGE_PATCH,
  );
}

type Seen = { readonly index: number; readonly isReady: boolean };

async function asked(consul: Consul, path: string, index: number): Promise<Seen> {
  const response = await fetch(`${consul.url}${path}?index=${index}&wait=60s`);
  const entries = (await response.json()) as { Checks: { Status: string }[] }[];
  const isReady = entries.every(({ Checks }) => Checks.every(({ Status }) => Status === 'passing'));
  return { index: Number(response.headers.get('x-consul-index')), isReady };
}

function printTimes(when: string, times: readonly number[]): void {
  figure(
    `sync: change to commit, p50, ${when}`,
    median(times),
    'ms',
    `target <= 250; ${times.length} changes, the API server's own time included`,
  );
  figure(
    `sync: change to commit, p99, ${when}`,
    percentile(times, 0.99),
    'ms',
    `target <= 1000; the longest ${Math.round(Math.max(...times))}`,
  );
}
