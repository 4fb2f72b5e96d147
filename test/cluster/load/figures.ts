/** Figures of pods and admissions in a real cluster, each as the ratio to its baseline in the same run. */
import type { Cluster } from '../harness/cluster.ts';
import { median, percentile } from '../../bench/figure.ts';
import { admissionsASecond } from './admission-rate.ts';
import { jobSeconds, podTimes, type PodTimes } from './pod-times.ts';

export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly note: string;
};

export type FigureSize = {
  /** Pods that are made one after the other. */
  readonly single: number;
  /** Pods that are made at once; 0 for none. */
  readonly atOnce: number;
  /** In which dry runs are counted. */
  readonly seconds: number;
};

export const SHORT: FigureSize = { single: 1, atOnce: 0, seconds: 2 };
export const FULL: FigureSize = { single: 10, atOnce: 50, seconds: 10 };

/**
 * @param namespace with the sources of the applications, in which pods are injected when they ask
 * @param mode which the webhook gives to pods at present
 */
export async function clusterFigures(
  cluster: Cluster,
  namespace: string,
  mode: 'agent' | 'dataplane',
  size: FigureSize,
): Promise<readonly Figure[]> {
  const single = { atOnce: 1, rounds: size.single };
  const bare = await podTimes(cluster, namespace, { injected: false, ...single });
  const injected = await podTimes(cluster, namespace, { injected: true, ...single });
  const figures = [
    ...ofPods(mode, '1 at a time', injected, bare),
    ...(size.atOnce === 0 ? [] : await atOnce(cluster, namespace, mode, size.atOnce)),
  ];
  const bareJob = await jobSeconds(cluster, namespace, false);
  const job = await jobSeconds(cluster, namespace, true);
  const rates = [
    await admissionsASecond(cluster.api, namespace, true, size.seconds),
    await admissionsASecond(cluster.api, namespace, false, size.seconds),
  ] as const;
  return [
    ...figures,
    { name: `${mode}: Job, creation to complete`, value: job, unit: 's', note: ratio(job, bareJob, 's') },
    {
      name: `${mode}: admissions a second through the API server`,
      value: rates[0],
      unit: '/s',
      note: `${Math.round((rates[0] / rates[1]) * 100)} % of ${Math.round(rates[1])} /s without the webhook`,
    },
  ];
}

async function atOnce(
  cluster: Cluster,
  namespace: string,
  mode: string,
  count: number,
): Promise<readonly Figure[]> {
  const together = { atOnce: count, rounds: 1 };
  const bare = await podTimes(cluster, namespace, { injected: false, ...together });
  const injected = await podTimes(cluster, namespace, { injected: true, ...together });
  return ofPods(mode, `${count} at once`, injected, bare);
}

function ofPods(mode: string, how: string, injected: PodTimes, bare: PodTimes): readonly Figure[] {
  const p99 = (times: readonly number[]): number => percentile(times, 0.99);
  return [
    seconds(`${mode}: pod, creation to Ready, p50, ${how}`, median(injected.ready), median(bare.ready)),
    // Of a single pod it would be the same.
    ...(bare.ready.length > 1
      ? [seconds(`${mode}: pod, creation to Ready, p99, ${how}`, p99(injected.ready), p99(bare.ready))]
      : []),
    // With a sidecar the application is given three seconds in which clients move on.
    seconds(`${mode}: pod, deletion to gone, p50, ${how}`, median(injected.gone), median(bare.gone)),
    { name: `${mode}: restarts of containers, ${how}`, value: injected.restarts, unit: '', note: 'target 0' },
  ];
}

function seconds(name: string, value: number, baseline: number): Figure {
  return { name, value, unit: 's', note: ratio(value, baseline, 's') };
}

function ratio(value: number, baseline: number, unit: string): string {
  return `${(value / baseline).toFixed(1)} times ${baseline.toFixed(2)} ${unit} without a sidecar`;
}

/** How often a sidecar, or another container of an injected pod, was started again. */
export function restartsOf(figures: readonly Figure[]): number {
  return figures.filter(({ name }) => name.includes('restarts')).reduce((sum, { value }) => sum + value, 0);
}

/** One line, as a test prints it. */
export function lineOf({ name, value, unit, note }: Figure): string {
  return `${name}: ${Math.round(value * 100) / 100} ${unit}, ${note}`.replace(' ,', ',');
}
