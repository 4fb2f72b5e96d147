/** How memory and the cost of one event grow with the cluster: a fake API server and the embedded catalog, on sockets. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startEmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import type { Scene } from '../../real/harness/scene.ts';
import { figure } from '../figure.ts';
import { cpuSeconds, peakMegabytes, residentMegabytes } from '../process-usage.ts';
import { startFakeApiServer, type FakeApiServer } from './fake-api-server.ts';
import { until, type SyncProcess, type SyncTarget } from './sync-process.ts';

const ENDPOINTS = 10;
const EVENTS = 200;
// One transaction each, so that nothing is shared: longer than a change waits for others.
const BETWEEN = 120;
// After the last write of its own the sync waits 5 s and then reads everything, once.
const SETTLED = 8000;

type Start = (target: SyncTarget) => Promise<SyncProcess>;
type Usage = {
  readonly event: number;
  readonly resident: number;
  /** Seconds of a start that finds everything in Consul, and the most megabytes meanwhile. */
  readonly restart: number;
  readonly peak: number;
};

/** @param services of the larger cluster; the other one has a tenth of them */
export async function benchLargeCluster(scene: Scene, start: Start, services: number): Promise<void> {
  const small = await usageAt(scene, start, services / 10);
  const large = await usageAt(scene, start, services);
  const name = `${services} Services, ${services * ENDPOINTS} endpoints`;
  figure(
    `sync: resident memory, ${name}`,
    large.resident,
    'MB',
    `target <= 1024; a tenth of them: ${Math.round(small.resident)}`,
  );
  figure(
    'sync: peak memory of a restart there',
    large.peak,
    'MB',
    `target <= 1024; a tenth of them: ${Math.round(small.peak)}; in step after ${large.restart.toFixed(1)} s`,
  );
  figure(
    `sync: CPU of one event, ${name}`,
    large.event * 1000,
    'ms',
    `a tenth of them: ${(small.event * 1000).toFixed(2)} ms`,
  );
  figure(
    'sync: CPU of one event / in a tenth of the cluster',
    large.event / small.event,
    'ratio',
    'ideal 1, proportional 10',
  );
}

async function usageAt(scene: Scene, start: Start, services: number): Promise<Usage> {
  const [api, consul] = await Promise.all([startFakeApiServer(services, ENDPOINTS), startEmbeddedConsul()]);
  const kubeconfig = join(scene.folder, `kubeconfig-${services}`);
  await writeFile(kubeconfig, api.kubeconfig, { mode: 0o600 });
  const target: SyncTarget = {
    kubeconfig,
    consul: consul.url,
    // Of the gigabyte, what is no heap of V8: its code, the buffers of answers.
    nodeOptions: ['--max-old-space-size=900'],
    flags: ['--leader-election=false'],
  };
  const sync = await start(target);
  await sync.owns(services * ENDPOINTS);
  await settled(sync);
  const event = await cpuOfEvent(sync, api, services);
  const resident = await residentMegabytes(sync.process.pid);
  await sync.process.stop();
  const again = await start(target);
  await until(again.process, again.counts, ({ lastSuccess }) => lastSuccess > 0);
  const restart = (performance.now() - again.started) / 1000;
  const peak = await peakMegabytes(again.process.pid);
  await again.process.stop();
  await Promise.all([api.close(), consul.close()]);
  return { event, resident, restart, peak };
}

async function cpuOfEvent({ process }: SyncProcess, api: FakeApiServer, services: number): Promise<number> {
  const before = await cpuSeconds(process.pid);
  for (let event = 0; event < EVENTS; event += 1) {
    api.change(event % services, Math.floor(event / services) % 2 === 1);
    await wait(BETWEEN);
  }
  return ((await cpuSeconds(process.pid)) - before) / EVENTS;
}

/** Waits until the process has nothing to do: no request, and what followed the last one is done. */
async function settled({ counts }: SyncProcess): Promise<void> {
  for (let before = -1; ;) {
    await wait(SETTLED);
    const { requests } = await counts();
    if (requests === before) return;
    before = requests;
  }
}
