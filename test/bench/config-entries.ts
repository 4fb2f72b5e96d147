/** Config entries from custom resources, between a real API server and a real Consul. */
import { setTimeout as wait } from 'node:timers/promises';
import { startApiServer } from '../real/harness/api-server.ts';
import { startConsul, type Consul } from '../real/harness/consul.ts';
import { entryScene } from '../real/config-entries/entry-scene.ts';
import { figure, median, percentile } from './figure.ts';
import { cpuSeconds } from './process-usage.ts';
import { withScene } from './sync/bench-scene.ts';
import { inParallel } from './sync/in-parallel.ts';
import { syncProcesses, until } from './sync/sync-process.ts';

const SIZES = { full: { entries: 1000, changes: 100 }, short: { entries: 300, changes: 20 } };
const FLAGS = ['--owner=one', '--to-consul=false', '--config-entries', '--leader-election=false'];
const KIND = 'ServiceDefaults';
const PROTOCOLS = ['http', 'grpc'] as const;

export async function benchConfigEntries(short: boolean): Promise<void> {
  const { entries, changes } = short ? SIZES.short : SIZES.full;
  await withScene(['etcd', 'kube-apiserver', 'consul'], async (scene) => {
    const [api, consul, startSync] = await Promise.all([
      startApiServer(scene),
      startConsul(scene),
      syncProcesses(scene),
    ]);
    const at = entryScene(api, consul);
    await at.installCrds();
    await inParallel(entries, 16, (nth) => at.apply(KIND, `default/s${nth}`, { protocol: PROTOCOLS[0] }));
    const start = performance.now();
    const sync = await startSync({ kubeconfig: api.kubeconfig(), consul: consul.url, flags: FLAGS });
    const owned = (): Promise<number> => sync.sum(/^tandem_config_entries\{.*Synced.*\} (\S+)$/gm);
    await until(sync.process, owned, (known) => known === entries);
    const first = performance.now() - start;
    figure(`config entries: ${entries} from empty`, first / 1000, 's', 'target <= 15 for 1000');

    const plain: number[] = [];
    for (let nth = 0; nth < changes; nth += 1)
      plain.push(
        await seenAfter(consul, `plain${nth % 10}`, nth, (protocol) =>
          consul.call('PUT', '/v1/config', {
            Kind: 'service-defaults',
            Name: `plain${nth % 10}`,
            Protocol: protocol,
          }),
        ),
      );
    const times: number[] = [];
    const before = await cpuSeconds(sync.process.pid);
    for (let nth = 0; nth < changes; nth += 1) {
      times.push(
        await seenAfter(consul, `s${nth % 10}`, nth + 10, (protocol) =>
          at.apply(KIND, `default/s${nth % 10}`, { protocol }),
        ),
      );
      await wait(Math.random() * 200);
    }
    const cpu = ((await cpuSeconds(sync.process.pid)) - before) / changes;
    const ratio = `${(median(times) / median(plain)).toFixed(1)} times a plain write, ${median(plain).toFixed(1)} ms`;
    figure(
      `config entries: change to commit, p50, of ${entries}`,
      median(times),
      'ms',
      `target <= 100; ${ratio}`,
    );
    figure(
      `config entries: change to commit, p99, of ${entries}`,
      percentile(times, 0.99),
      'ms',
      `target <= 500; ${changes} changes, ${Math.round(cpu * 1000)} ms of CPU each`,
    );
    await sync.process.stop();
  });
}

/** Milliseconds from the answer to the change until a blocking query at Consul has answered with it. */
async function seenAfter(
  consul: Consul,
  name: string,
  nth: number,
  change: (protocol: string) => Promise<unknown>,
): Promise<number> {
  const protocol = PROTOCOLS[Math.floor(nth / 10) % 2] ?? '';
  const path = `${consul.url}/v1/config/service-defaults/${name}`;
  const read = async (index: number): Promise<{ readonly index: number; readonly protocol: unknown }> => {
    const response = await fetch(`${path}?index=${index}&wait=60s`);
    const entry = response.ok ? ((await response.json()) as { Protocol?: unknown }) : {};
    return { index: Number(response.headers.get('x-consul-index')), protocol: entry.Protocol };
  };
  let seen = await read(0);
  await change(protocol);
  const start = performance.now();
  while (seen.protocol !== protocol) seen = await read(seen.index);
  return performance.now() - start;
}
