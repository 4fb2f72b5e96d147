/** The sync as a process: composes the cluster, Consul, the loops between them, the election, and who is told of it. */
import { knownDatacenters } from '../config/config-entry-flags.ts';
import type { SyncValues } from '../config/sync-flags.ts';
import { syncNodeName, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { createSync, type Sync, type SyncOptions } from '../controllers/sync-loop.ts';
import { apiClient, type ApiClient } from '../kubernetes/api-client.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import type { Term } from '../kubernetes/leader-term.ts';
import { changeSignal } from '../reporting/change-signal.ts';
import { createToConsulReporter } from '../reporting/to-consul-reporter.ts';
import { createLog } from '../telemetry/logger.ts';
import { createSyncMetrics } from '../telemetry/sync-metrics.ts';
import { version } from '../version.ts';
import { clusterOwner } from './cluster-owner.ts';
import { clusterSource } from './cluster-source.ts';
import { configEntriesPart } from './config-entries-part.ts';
import { openConsulOf } from './consul-access.ts';
import { type Context, exit, type ExitCode } from './context.ts';
import { leadership, type Leadership } from './leadership.ts';
import { leaseNamespace, SYNC_LEASE } from './lease-namespace.ts';
import { logRestart } from './log-restart.ts';
import { processEvents } from './process-events.ts';
import { purge } from './purge.ts';
import { startRegistrar } from './registrar.ts';
import { runElected } from './replica-election.ts';
import type { SyncStage } from './sync-stage.ts';
import { openSyncStatus } from './sync-status-port.ts';
import { toK8sPart } from './to-k8s-part.ts';
import { together } from './together.ts';

/** Runs until the signal of the context, or until what it was asked for is done. */
export async function openSync(values: SyncValues, context: Context): Promise<ExitCode> {
  const log = createLog(context.stdout, values.logLevel);
  const metrics = createSyncMetrics();
  const { environment } = context;
  const access = await clusterAccess({ kubeconfig: values.kubeconfig, environment });
  const leading = leadership(isElected(values));
  const lease = apiClient(access);
  const client = apiClient(access, undefined, leading.mayWrite);
  const consul = await openConsulOf(values, {
    environment,
    kubeconfig: values.kubeconfig,
    signal: context.signal,
    onRequest: ({ endpoint, status }) => metrics.consulRequest(endpoint, status),
    mayWrite: leading.mayWrite,
    agentServerName: values.agentTlsServerName,
    warn: (message, reason) => log('warn', message, { reason }),
  });
  try {
    const owner = values.owner ?? (await clusterOwner(client));
    const catalog = syncCatalog(consul);
    const composition = { values, owner, access, lease, client, leading, consul, catalog, log, metrics };
    if (values.purge !== undefined) {
      const node = syncNodeName(values, owner);
      const isRequired = values.configEntries;
      const entries = { owner, consul, datacenters: knownDatacenters(values), isRequired, log };
      return await purge({ named: values.purge, owner, node, catalog, entries, log }, context);
    }
    await runSync(composition, context);
    return exit.done;
  } finally {
    await consul.close();
    client.close();
    lease.close();
  }
}

function isElected({ leaderElection, once, dryRun, purge: purged }: SyncValues): boolean {
  return leaderElection && !once && !dryRun && purged === undefined;
}

type Composition = Pick<
  SyncStage,
  'values' | 'owner' | 'access' | 'client' | 'consul' | 'log' | 'metrics'
> & {
  /** For the Lease, which is written to become the leader. */
  readonly lease: ApiClient;
  readonly leading: Leadership;
  readonly catalog: ReturnType<typeof syncCatalog>;
};

async function runSync(composition: Composition, { signal }: Context): Promise<void> {
  const { values, owner, log, metrics } = composition;
  const { changed, onChange } = changeSignal();
  const stage = openStage(composition, changed);
  const toConsul = openToConsul(stage, composition.catalog);
  const registrar = values.registrar ? startRegistrar(stage) : undefined;
  // Served also while this direction is off.
  const toK8sMetrics = metrics.ofController('to-kubernetes');
  const toK8s = values.toK8s ? await toK8sPart(stage, toK8sMetrics) : undefined;
  const configEntries = values.configEntries ? configEntriesPart(stage) : undefined;
  const others = [toK8s?.lead, registrar?.lead, configEntries?.lead].filter((part) => part !== undefined);
  const leader = leaderOf([toConsul.lead, ...others], changed);
  const parts = { toConsul, toK8s, registrar, configEntries };
  const status = await openSyncStatus(stage, parts, leader.isLeading, onChange);
  log('info', 'serving', { status: status.address, owner, node: stage.options.node, version });
  try {
    await (isElected(values) ? runAsLeader(composition, leader.lead, signal) : leader.lead(signal));
  } finally {
    await toConsul.source?.stop();
    await registrar?.stop();
    await toK8s?.stop();
    await configEntries?.stop();
    await stage.events.idle();
    await status.close();
  }
  log('info', 'stopped');
}

function openStage(composition: Composition, changed: () => void): SyncStage {
  const { values, owner, client, log, metrics } = composition;
  return {
    ...composition,
    options: syncOptions(values, owner),
    changed,
    onRestart: (kind, failure) => {
      metrics.watchRestart(kind, failure.cause);
      logRestart(log, failure, kind);
      changed();
    },
    events: processEvents(client, log),
  };
}

/** Kubernetes to Consul; its reporter and metrics are served also while it is off. */
function openToConsul(stage: SyncStage, catalog: Composition['catalog']) {
  const { values, client, log, metrics, options, events, onRestart, changed } = stage;
  const source = values.toConsul
    ? clusterSource({ client, withIngresses: values.enableIngress, onRestart })
    : undefined;
  const syncMetrics = metrics.ofController('to-consul');
  const reporter = createToConsulReporter({
    log,
    metrics: syncMetrics,
    now: Date.now,
    service: (name) => source?.snapshot.service(name),
    warn: ({ namespace, name, uid }, reason, message) =>
      events.record({ apiVersion: 'v1', kind: 'Service', namespace, name, uid }, 'Warning', reason, message),
    isDryRun: values.dryRun,
    changed,
  });
  let sync: Sync | undefined;
  const lead = async (term: AbortSignal): Promise<void> => {
    if (source === undefined) return;
    const ports = { source, catalog, reporter, ...systemRuntime };
    sync = createSync(ports, options);
    await sync.run(term);
    sync = undefined;
  };
  return { source, reporter, syncMetrics, sync: () => sync, lead };
}

function leaderOf(parts: readonly ((term: AbortSignal) => Promise<void>)[], changed: () => void) {
  let isLeader = false;
  const lead = async (term: AbortSignal): Promise<void> => {
    isLeader = true;
    changed();
    await together(parts, term);
    isLeader = false;
    changed();
  };
  return { lead, isLeading: () => isLeader };
}

async function runAsLeader(
  { values, access, lease, leading, log }: Composition,
  lead: (term: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const namespace = await leaseNamespace(values.leaseNamespace, access);
  const election = {
    client: lease,
    log,
    shutdownDelay: values.shutdownDelay * 1000,
    lead: (term: Term) => {
      leading.during(term);
      return lead(term.signal);
    },
    namespace,
    lease: SYNC_LEASE,
  };
  await runElected(election, signal);
}

function syncOptions(values: SyncValues, owner: string): SyncOptions {
  return {
    settings: toConsulSettings(values, owner),
    policy: values.policy,
    node: syncNodeName(values, owner),
    adoptNodes: values.adopt ? values.adoptNodes : [],
    resync: values.resync * 1000,
    dryRun: values.dryRun,
    once: values.once,
  };
}
