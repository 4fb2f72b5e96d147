/** Config entries from custom resources, between a real API server and a real Consul. */
import { setTimeout as wait } from 'node:timers/promises';
import { startApiServer } from '../real/harness/api-server.ts';
import { startConsul, type Consul } from '../real/harness/consul.ts';
import { entryScene } from '../real/config-entries/entry-scene.ts';
import { benchEnforcement } from './enforcement.ts';
import { figure, median, percentile } from './figure.ts';
import { cpuSeconds } from './process-usage.ts';
import { withScene } from './sync/bench-scene.ts';
import { inParallel } from './sync/in-parallel.ts';
import { syncProcesses, until } from './sync/sync-process.ts';

const SIZES = { full: { entries: 1000, changes: 100 }, short: { entries: 30, changes: 2 } };
const FLAGS = ['--owner=one', '--to-consul=false', '--config-entries', '--leader-election=false'];
const KIND = 'ServiceDefaults';
const PROTOCOLS = ['http', 'grpc'] as const;

export async function benchConfigEntries(short: boolean): Promise<void> {
  const { entries, changes } = short ? SIZES.short : SIZES.full;
  await withScene(['etcd', 'kube-apiserver', 'consul', 'envoy'], async (scene) => {
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

    const plain = await timed(consul, 'plain', changes, 0, (Name, Protocol) =>
      consul.call('PUT', '/v1/config', { Kind: 'service-defaults', Name, Protocol }),
    );
    const before = await cpuSeconds(sync.process.pid);
    const times = (
      await timed(consul, 's', changes, 200, (name, protocol) =>
        at.apply(KIND, `default/${name}`, { protocol }),
      )
    ).map(({ answered }) => answered);
    const cpu = ((await cpuSeconds(sync.process.pid)) - before) / changes;
    const write = median(plain.map(({ asked }) => asked));
    figure(
      `config entries: change to commit, p50, of ${entries}`,
      median(times),
      'ms',
      `target <= 100; ${(median(times) / write).toFixed(1)} times a write by itself, ${write.toFixed(1)} ms`,
    );
    figure(
      `config entries: change to commit, p99, of ${entries}`,
      percentile(times, 0.99),
      'ms',
      `target <= 500; ${changes} changes, ${Math.round(cpu * 1000)} ms of CPU each`,
    );
    await benchEnforcement({ scene, consul, at }, changes);
    await sync.process.stop();
  });
}

/** Milliseconds until a blocking query at Consul has answered with the change, from when it was asked for, and was answered. */
type Taken = { readonly asked: number; readonly answered: number };

/** One change after the other, of ten entries, with a pause of at most so many milliseconds. */
async function timed(
  consul: Consul,
  prefix: string,
  changes: number,
  pause: number,
  change: (name: string, protocol: string) => Promise<unknown>,
): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  for (let nth = 0; nth < changes; nth += 1) {
    const name = `${prefix}${nth % 10}`;
    const path = `${consul.url}/v1/config/service-defaults/${name}`;
    let seen = await read(path, 0);
    const protocol = seen.protocol === PROTOCOLS[0] ? PROTOCOLS[1] : PROTOCOLS[0];
    const asked = performance.now();
    await change(name, protocol);
    const answered = performance.now();
    while (seen.protocol !== protocol) seen = await read(path, seen.index);
    const now = performance.now();
    taken.push({ asked: now - asked, answered: now - answered });
    await wait(Math.random() * pause);
  }
  return taken;
}

async function read(
  path: string,
  index: number,
): Promise<{ readonly index: number; readonly protocol: unknown }> {
  const response = await fetch(`${path}?index=${index}&wait=60s`);
  const entry = response.ok ? ((await response.json()) as { readonly Protocol?: unknown }) : {};
  return { index: Number(response.headers.get('x-consul-index')), protocol: entry.Protocol };
}
