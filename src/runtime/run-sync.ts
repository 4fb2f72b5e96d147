/** The sync as a process: composes the cluster, Consul, the directions between them, and the election. */
import { knownDatacenters } from '../config/config-entry-flags.ts';
import type { SyncValues } from '../config/sync-flags.ts';
import { syncNodeName, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import type { SyncOptions } from '../controllers/sync-loop.ts';
import { apiClient, type ApiClient } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { changeSignal, type ChangeSignal } from '../reporting/change-signal.ts';
import { createLog } from '../telemetry/logger.ts';
import { createSyncMetrics } from '../telemetry/sync-metrics.ts';
import { version } from '../version.ts';
import { clusterOwner } from './cluster-owner.ts';
import { configEntriesPart } from './config-entries-part.ts';
import { openConsulOf } from './consul-access.ts';
import { type Context, exit, type ExitCode } from './context.ts';
import { leadership, type Leadership } from './leadership.ts';
import { leaseNamespace, SYNC_LEASE } from './lease-namespace.ts';
import { logRestart } from './log-restart.ts';
import { NO_EVENTS, processEvents } from './process-events.ts';
import { purge } from './purge.ts';
import { registrarPart } from './registrar-part.ts';
import type { SyncPart, SyncStage } from './sync-stage.ts';
import { openSyncStatus } from './sync-status-port.ts';
import { toConsulPart } from './to-consul-part.ts';
import { toK8sPart } from './to-k8s-part.ts';
import { together } from './together.ts';

/** Runs until the signal of the context, or until what it was asked for is done. */
export async function openSync(values: SyncValues, context: Context): Promise<ExitCode> {
  const log = createLog(context.stdout, values.logLevel);
  const metrics = createSyncMetrics();
  const { environment } = context;
  const access = await clusterAccess({ kubeconfig: values.kubeconfig, environment });
  const changes = changeSignal();
  const leading = leadership(isElected(values), changes.changed);
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
    const owner = values.owner ?? (await clusterOwner(client, context.signal));
    if (values.purge !== undefined) {
      const node = syncNodeName(values, owner);
      const isRequired = values.configEntries;
      const entries = { owner, consul, datacenters: knownDatacenters(values), isRequired, log };
      const catalog = syncCatalog(consul);
      return await purge({ named: values.purge, owner, node, catalog, entries, log }, context);
    }
    const composition = { values, owner, access, lease, client, leading, consul, log, metrics, changes };
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
  readonly changes: ChangeSignal;
};

async function runSync(composition: Composition, { signal }: Context): Promise<void> {
  const { values, owner, access, lease, leading, log, changes } = composition;
  const election = {
    client: lease,
    namespace: await leaseNamespace(values.leaseNamespace, access),
    lease: SYNC_LEASE,
    log,
    shutdownDelay: values.shutdownDelay * 1000,
  };
  const stage = openStage(composition);
  const parts = await openParts(stage);
  const status = await openSyncStatus(stage, parts, leading.isLeading, changes.onChange);
  log('info', 'serving', { status: status.address, owner, node: stage.options.node, version });
  const leads = parts.map(({ lead }) => lead);
  try {
    await leading.run((term) => together(leads, term), election, signal);
  } finally {
    for (const { stop } of parts) await stop();
    await stage.events.idle();
    await status.close();
  }
  log('info', 'stopped');
}

/** Those that are on; the metrics of the two that sync catalogs are served also while they are off. */
async function openParts(stage: SyncStage): Promise<readonly SyncPart[]> {
  const { values, metrics } = stage;
  const toConsul = toConsulPart(stage);
  const registrar = values.registrar ? registrarPart(stage) : undefined;
  const toK8sMetrics = metrics.ofController('to-kubernetes');
  const toK8s = values.toK8s ? await toK8sPart(stage, toK8sMetrics) : undefined;
  const configEntries = values.configEntries ? configEntriesPart(stage) : undefined;
  return [toConsul, toK8s, registrar, configEntries].filter((part) => part !== undefined);
}

function openStage(composition: Composition): SyncStage {
  const { values, owner, client, log, metrics } = composition;
  const { changed } = composition.changes;
  return {
    ...composition,
    options: syncOptions(values, owner),
    changed,
    onRestart: (kind, failure) => {
      metrics.watchRestart(kind, failure.cause);
      logRestart(log, failure, kind);
      changed();
    },
    events: values.dryRun ? NO_EVENTS : processEvents(client, log),
  };
}

function syncOptions(values: SyncValues, owner: string): SyncOptions {
  return {
    settings: toConsulSettings(values, owner),
    policy: values.policy,
    node: syncNodeName(values, owner),
    adoptNodes: values.adopt ? values.adoptNodes : [],
    isSourceOld: isElected(values),
    resync: values.resync * 1000,
    dryRun: values.dryRun,
    once: values.once,
  };
}
