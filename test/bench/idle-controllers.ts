/** Both loops in one process, from its start on, with nothing to do. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Consul } from '../real/harness/consul.ts';
import { figure } from './figure.ts';
import { cpuSeconds, residentMegabytes } from './process-usage.ts';
import { registrarCounts } from './registrar/registrar-counts.ts';
import { raftIndex } from './sync/first-sync.ts';
import { until, type SyncProcess } from './sync/sync-process.ts';
import type { WatchedSlices } from './to-k8s/watched-slices.ts';

type Parts = { readonly consul: Consul; readonly slices: WatchedSlices };

/** @param start of a process that finds everything as it shall be. @param seconds of idleness; the targets are those of a minute */
export async function benchIdleControllers(
  start: () => Promise<SyncProcess>,
  { consul, slices }: Parts,
  seconds: number,
): Promise<void> {
  const [log, before] = [await raftIndex(consul), slices.state()];
  const sync = await start();
  const lastSuccesses = (): Promise<readonly number[]> =>
    Promise.all(
      ['registrar', 'to_k8s'].map((loop) =>
        sync.sum(new RegExp(`^tandem_${loop}_last_success_timestamp_seconds (\\S+)$`, 'gm')),
      ),
    );
  await until(sync.process, lastSuccesses, (times) => times.every((time) => time > 0));
  const [begun, cpu] = [await registrarCounts(sync), await cpuSeconds(sync.process.pid)];
  await wait(seconds * 1000);
  const [{ writes, requests }, used] = [await registrarCounts(sync), await cpuSeconds(sync.process.pid)];
  const objects = await sync.sum(/^tandem_to_k8s_changes_total\{.*\} (\S+)$/gm);
  const [moved, after] = [(await raftIndex(consul)) - log, slices.state()];
  const when = `in a start and ${seconds} idle seconds`;
  figure(
    `registrar, to-k8s: writes to Consul ${when}`,
    writes,
    '',
    `target 0; Raft moved by ${moved}, Consul's own included`,
  );
  figure(
    `registrar, to-k8s: writes to the API server ${when}`,
    objects,
    '',
    `target 0; the slices ${after.version === before.version ? 'are' : 'are not'} as they were`,
  );
  figure(
    'registrar, to-k8s: CPU while idle',
    ((used - cpu) / seconds) * 100,
    '% of a core',
    `${after.count} services; ${requests - begun.requests} requests to Consul in ${seconds} s`,
  );
  figure(
    'registrar, to-k8s: resident memory',
    await residentMegabytes(sync.process.pid),
    'MB',
    'target <= 400',
  );
  await sync.process.stop();
}
