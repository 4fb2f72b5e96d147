/** From a health change in Consul until a consumer in the cluster has the EndpointSlice. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Consul } from '../../real/harness/consul.ts';
import { figure, median, percentile } from '../figure.ts';
import { inParallel } from '../sync/in-parallel.ts';
import { firstAddress, registerServices, setHealth } from './consul-services.ts';
import type { WatchedSlices } from './watched-slices.ts';

type Parts = { readonly consul: Consul; readonly slices: WatchedSlices };

/**
 * Registers more services, and waits until each has its slice.
 *
 * @param from how many there are
 * @returns objects a second
 */
export async function benchNewServices({ consul, slices }: Parts, from: number, to: number): Promise<number> {
  const start = performance.now();
  await registerServices(consul, from, to);
  const registered = (performance.now() - start) / 1000;
  await slices.count(to);
  const seconds = (performance.now() - start) / 1000;
  figure(
    `to-k8s: ${to - from} new services, until each has its slice`,
    seconds,
    's',
    `Consul had all of them after ${registered.toFixed(1)} s`,
  );
  return ((to - from) * 2) / seconds;
}

// 20 changes a second: a change starts half a second at most after the one before it was seen, in each of them.
const AT_A_TIME = 10;

/**
 * Some services at a time, one after the other a random moment after the change before it was seen.
 *
 * @param services how many there are; the changes are spread over all of them
 * @param when with a comma in front
 */
export async function benchHealth(parts: Parts, services: number, changes: number, when = ''): Promise<void> {
  const times: number[] = [];
  await inParallel(changes, AT_A_TIME, async (change) => {
    // A step that has no divisor in common with the number of services reaches all of them.
    const index = (change * 7) % services;
    const isHealthy = Math.floor(change / services) % 2 === 1;
    await wait(Math.random() * 500);
    const start = performance.now();
    await setHealth(parts.consul, index, isHealthy);
    await parts.slices.has(firstAddress(index), isHealthy);
    times.push(performance.now() - start);
  });
  const of = `${services} services${when}`;
  const rest = `${times.length} changes, ${AT_A_TIME} at a time`;
  figure(`to-k8s: health to EndpointSlice, p50, ${of}`, median(times), 'ms', `target <= 250; ${rest}`);
  figure(
    `to-k8s: health to EndpointSlice, p99, ${of}`,
    percentile(times, 0.99),
    'ms',
    `target <= 1000; the longest ${Math.round(Math.max(...times))}`,
  );
}
