/** Many instances from empty, a restart, and a time in which nothing changes. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Consul } from '../../real/harness/consul.ts';
import { figure } from '../figure.ts';
import { oneByOne } from '../one-by-one.ts';
import { cpuSeconds } from '../process-usage.ts';
import { ENDPOINTS } from './sample-services.ts';
import { until, type SyncProcess } from './sync-process.ts';

/** Instances that the targets of users.md and of the specification are about. */
const FULL = { instances: 5000, transactions: 85, seconds: 15 };
// A transaction holds 127 operations beside the node's, an instance and its check are two.
const INSTANCES_A_TRANSACTION = 63;
const REGISTRATIONS = 500;

type Start = () => Promise<SyncProcess>;

/** Leaves the process running. @param services how many the cluster has */
export async function benchFirstSync(start: Start, consul: Consul, services: number): Promise<SyncProcess> {
  const instances = services * ENDPOINTS;
  const single = await oneByOne(consul, Math.min(instances, REGISTRATIONS));
  const sync = await start();
  await sync.owns(instances);
  const seconds = (performance.now() - sync.started) / 1000;
  const { transactions } = await sync.counts();
  const { node } = JSON.parse(
    sync.process
      .log()
      .split('\n')
      .find((line) => line.includes('"serving"')) ?? '{}',
  ) as { node: string };
  const checks = (await consul.call('GET', `/v1/health/node/${node}`)) as unknown[];
  if (checks.length !== instances) throw new Error(`${checks.length} checks of ${instances} instances`);
  figure(
    `sync: ${instances} instances from empty, from the start of the process`,
    seconds,
    's',
    `target <= ${FULL.seconds} for ${FULL.instances}`,
  );
  figure(
    `sync: transactions for ${instances} instances`,
    transactions,
    '',
    `target <= ${Math.ceil((FULL.transactions * instances) / FULL.instances)}; full ones are ${Math.ceil(instances / INSTANCES_A_TRANSACTION)}`,
  );
  figure(
    'sync: one registration per instance / transactions',
    (single * instances) / seconds,
    'ratio',
    `target >= 2; ${(single * 1000).toFixed(2)} ms a registration`,
  );
  return sync;
}

/** Ends the process, and starts it again with nothing changed. */
export async function benchRestart(before: SyncProcess, start: Start): Promise<SyncProcess> {
  const { owned } = await before.counts();
  await before.process.stop();
  const sync = await start();
  await until(sync.process, sync.counts, ({ lastSuccess }) => lastSuccess > 0);
  const seconds = (performance.now() - sync.started) / 1000;
  const counts = await sync.counts();
  if (counts.owned !== owned) throw new Error(`${counts.owned} instances after the restart, ${owned} before`);
  figure('sync: restart with nothing changed, until both sides agree', seconds, 's', 'target <= 5');
  figure('sync: writes of that restart', counts.transactions, '', 'target 0');
  figure('sync: reads of that restart', counts.reads, '', 'target <= 5');
  return sync;
}

/** @param seconds of idleness; the targets are those of a minute */
export async function benchIdle(sync: SyncProcess, consul: Consul, seconds: number): Promise<void> {
  const [before, cpu, log] = await Promise.all([
    sync.counts(),
    cpuSeconds(sync.process.pid),
    raftIndex(consul),
  ]);
  await wait(seconds * 1000);
  const [after, cpuAfter, logAfter] = await Promise.all([
    sync.counts(),
    cpuSeconds(sync.process.pid),
    raftIndex(consul),
  ]);
  figure(
    `sync: writes in ${seconds} idle seconds`,
    after.transactions - before.transactions,
    '',
    `target 0; Raft moved by ${logAfter - log}, Consul's own included`,
  );
  figure(
    `sync: requests to Consul in ${seconds} idle seconds`,
    after.requests - before.requests,
    '',
    'target <= 5 a minute',
  );
  figure('sync: CPU while idle', ((cpuAfter - cpu) / seconds) * 100, '% of a core', 'target <= 1');
}

/** Of the last entry of Consul's log, which every write adds one to, and Consul itself now and then. */
export async function raftIndex(consul: Consul): Promise<number> {
  const { Stats } = (await consul.call('GET', '/v1/agent/self')) as {
    Stats: { raft: { last_log_index: string } };
  };
  return Number(Stats.raft.last_log_index);
}
