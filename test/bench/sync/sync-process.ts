/** `tandem sync` as it is deployed: the bundle in a process of its own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from '../../real/harness/ports.ts';
import type { RunningProcess } from '../../real/harness/processes.ts';
import type { Scene } from '../../real/harness/scene.ts';
import { TANDEM } from '../../real/harness/tandem-program.ts';

export type SyncProcess = {
  readonly process: RunningProcess;
  /** Milliseconds of `performance.now` when the process was started. */
  readonly started: number;
  readonly counts: () => Promise<SyncCounts>;
  /** The sum of the series that the pattern's group gives the values of, from `/metrics`. */
  readonly sum: (pattern: RegExp) => Promise<number>;
  /** Resolves when Consul has so many instances, as Tandem knows it. */
  readonly owns: (instances: number) => Promise<void>;
};

/** Counters of `/metrics` since the start. */
export type SyncCounts = {
  readonly owned: number;
  readonly transactions: number;
  /** Requests that wrote nothing, those that waited for a change too. */
  readonly reads: number;
  readonly requests: number;
  readonly lastSuccess: number;
};

export type SyncTarget = {
  readonly kubeconfig: string;
  readonly consul: string;
  /** Options of Node beside those of the deployment. */
  readonly nodeOptions?: readonly string[];
  readonly flags?: readonly string[];
};

const MANIFEST = join(import.meta.dirname, '../../../deploy/manifests/sync-deployment.yaml');
const POLL_MILLISECONDS = 20;
const DEADLINE_MILLISECONDS = 900_000;

/** The answer starts processes. */
export async function syncProcesses(scene: Scene): Promise<(target: SyncTarget) => Promise<SyncProcess>> {
  const options = await deployedOptions();
  return async (target) => {
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const started = performance.now();
    const running = await scene.start({
      name: 'tandem sync',
      command: process.execPath,
      args: [
        ...options,
        ...(target.nodeOptions ?? []),
        TANDEM,
        'sync',
        `--kubeconfig=${target.kubeconfig}`,
        `--consul-http-addr=${target.consul}`,
        `--status-listen=127.0.0.1:${port}`,
        '--lease-namespace=default',
        ...(target.flags ?? []),
      ],
      environment: { NODE_ENV: 'production' },
      ready: async () => (await fetch(`${url}/health/ready`)).ok,
    });
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    const counts = async (): Promise<SyncCounts> => countsOf(await metrics());
    return {
      process: running,
      started,
      counts,
      sum: async (pattern) => sumOf(await metrics(), pattern),
      owns: (instances) => until(running, counts, ({ owned }) => owned === instances),
    };
  };
}

/** Resolves when the counters say so. @throws Error when they do not in 15 minutes, or when the process ends */
export async function until<T>(
  running: RunningProcess,
  counts: () => Promise<T>,
  isReached: (counts: T) => boolean,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MILLISECONDS;
  while (!isReached(await counts())) {
    if (performance.now() > deadline) throw new Error(`not reached:\n${running.log()}`);
    await wait(POLL_MILLISECONDS);
  }
}

/** The image has the heap of the webhook; the sync is given its own where it is deployed. */
async function deployedOptions(): Promise<readonly string[]> {
  const manifest = await readFile(MANIFEST, 'utf8');
  const [, options] = /name: NODE_OPTIONS\n\s+value: (.*)\n/.exec(manifest) ?? [];
  if (options === undefined) throw new Error(`${MANIFEST} has no NODE_OPTIONS`);
  return options.split(' ');
}

function countsOf(metrics: string): SyncCounts {
  const requests = sumOf(metrics, /^tandem_consul_requests_total\{.*\} (\S+)$/gm);
  const transactions = sumOf(metrics, /^tandem_consul_requests_total\{endpoint="transaction".*\} (\S+)$/gm);
  return {
    owned: sumOf(metrics, /^tandem_sync_instances\{state="owned"\} (\S+)$/gm),
    transactions,
    reads: requests - transactions,
    requests,
    lastSuccess: sumOf(metrics, /^tandem_sync_last_success_timestamp_seconds (\S+)$/gm),
  };
}

function sumOf(metrics: string, pattern: RegExp): number {
  return [...metrics.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
}
