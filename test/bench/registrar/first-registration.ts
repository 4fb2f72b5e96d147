/** Many injected pods from empty, and a restart that finds all of them in Consul. */
import type { Consul } from '../../real/harness/consul.ts';
import { figure } from '../figure.ts';
import { oneByOne } from '../one-by-one.ts';
import { peakMegabytes, residentMegabytes } from '../process-usage.ts';
import { raftIndex } from '../sync/first-sync.ts';
import type { SyncProcess } from '../sync/sync-process.ts';
import { registrarCounts, untilRegistrar } from './registrar-counts.ts';

/** The pods that the targets are about. */
const FULL = 5000;
const ALONE = 500;

type Start = () => Promise<SyncProcess>;

/** Leaves the process running. @param pods how many the cluster has */
export async function benchFirstRegistration(
  start: Start,
  consul: Consul,
  pods: number,
): Promise<SyncProcess> {
  const instances = pods * 2;
  const single = await oneByOne(consul, Math.min(instances, ALONE));
  const sync = await start();
  await untilRegistrar(sync, ({ registered }) => registered === instances);
  const seconds = (performance.now() - sync.started) / 1000;
  await expectInstances(consul, instances);
  figure(`registrar: ${pods} pods from empty, from the start of the process`, seconds, 's', '');
  figure(
    'registrar: writes a second there / of sequential registrations',
    (single * instances) / seconds,
    'ratio',
    `${Math.round(instances / seconds)} and ${Math.round(1 / single)} a second; Consul applies one after the other`,
  );
  return sync;
}

/** Ends the process, and starts it again with nothing changed. */
export async function benchRegistrarRestart(
  before: SyncProcess,
  start: Start,
  consul: Consul,
  pods: number,
): Promise<SyncProcess> {
  await before.process.stop();
  const log = await raftIndex(consul);
  const sync = await start();
  await untilRegistrar(sync, ({ lastSuccess }) => lastSuccess > 0);
  const seconds = (performance.now() - sync.started) / 1000;
  const { writes, requests } = await registrarCounts(sync);
  const moved = (await raftIndex(consul)) - log;
  await expectInstances(consul, pods * 2);
  figure(
    `registrar: start that finds ${pods} pods in Consul, until all are compared`,
    seconds,
    's',
    `target <= 10 for ${FULL}; ${requests} requests`,
  );
  figure(
    'registrar: writes of that start',
    writes,
    '',
    `target 0; Raft moved by ${moved}, Consul's own included`,
  );
  return sync;
}

/** @param pods how many the cluster has */
export async function benchRegistrarMemory({ process }: SyncProcess, pods: number): Promise<void> {
  figure(
    `registrar: resident memory, ${pods} pods`,
    await residentMegabytes(process.pid),
    'MB',
    `target <= 400 for ${FULL}; at most ${Math.round(await peakMegabytes(process.pid))} since its start`,
  );
}

/** @throws Error when Consul has another number of passing instances of pods */
async function expectInstances(consul: Consul, instances: number): Promise<void> {
  const filter = encodeURIComponent('Name == "Kubernetes Readiness Check"');
  const checks = (await consul.call('GET', `/v1/health/state/passing?filter=${filter}`)) as unknown[];
  if (checks.length !== instances) throw new Error(`${checks.length} passing instances, not ${instances}`);
}
