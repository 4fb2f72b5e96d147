/** The sync as a process: composes the cluster, Consul, the loops between them, the election, and who is told of it. */
import { namingOf } from '../config/naming-settings.ts';
import type { SyncValues } from '../config/sync-flags.ts';
import { syncNodeName, toConsulSettings } from '../config/sync-settings.ts';
import { toK8sSettings } from '../config/to-k8s-flags.ts';
import type { OpenConsul } from '../consul/client.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { createSync, type Sync, type SyncOptions } from '../controllers/sync-loop.ts';
import { apiClient, type ApiClient, type ClusterAccess } from '../kubernetes/api-client.ts';
import { systemClock } from '../kubernetes/system-clock.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { Term } from '../kubernetes/leader-term.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { changeSignal } from '../reporting/change-signal.ts';
import { createToConsulReporter } from '../reporting/to-consul-reporter.ts';
import { createLog, type Log } from '../telemetry/logger.ts';
import { createSyncMetrics, type SyncMetrics } from '../telemetry/sync-metrics.ts';
import { version } from '../version.ts';
import { clusterOwner } from './cluster-owner.ts';
import { clusterSource, type WatchedKind } from './cluster-source.ts';
import { configEntriesPart, type ConfigEntriesPart } from './config-entries-part.ts';
import { openConsulOf } from './consul-access.ts';
import { type Context, exit, type ExitCode } from './context.ts';
import { leadership, type Leadership } from './leadership.ts';
import { leaseNamespace, SYNC_LEASE } from './lease-namespace.ts';
import { logRestart } from './log-restart.ts';
import type { PodKind } from './pod-source.ts';
import { processEvents } from './process-events.ts';
import { purge } from './purge.ts';
import { purgeEntries } from './purge-entries.ts';
import { startRegistrar, type RunningRegistrar } from './registrar.ts';
import { runElected } from './replica-election.ts';
import { openSyncStatus } from './sync-status-port.ts';
import { toK8sPart, type ToK8sPart } from './to-k8s-part.ts';
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
      const { consulDatacenter, consulPrimaryDatacenter, configEntries } = values;
      const datacenters = { datacenter: consulDatacenter, primaryDatacenter: consulPrimaryDatacenter };
      const ofEntries = { owner, consul, datacenters, isRequired: configEntries, log };
      const alsoEntries = (signal: AbortSignal): Promise<number> => purgeEntries(ofEntries, signal);
      const named = values.purge;
      return await purge({ named, owner, node, catalog, purgeEntries: alsoEntries, log }, context);
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

type Composition = {
  readonly values: SyncValues;
  readonly owner: string;
  readonly access: ClusterAccess;
  /** For the Lease, which is written to become the leader. */
  readonly lease: ApiClient;
  /** Writes as long as this replica leads. */
  readonly client: ApiClient;
  readonly leading: Leadership;
  readonly consul: OpenConsul;
  readonly catalog: ReturnType<typeof syncCatalog>;
  readonly log: Log;
  readonly metrics: SyncMetrics;
};

/** What every direction of the sync gets. */
type Stage = Composition & {
  readonly options: SyncOptions;
  readonly events: EventRecorder<string>;
  readonly onRestart: (kind: WatchedKind | PodKind | 'config-entries', failure: WatchFailure) => void;
  /** The status is another one. */
  readonly changed: () => void;
};

async function runSync(composition: Composition, { signal }: Context): Promise<void> {
  const { values, owner, log, metrics } = composition;
  const { changed, onChange } = changeSignal();
  const stage = openStage(composition, changed);
  const toConsul = openToConsul(stage);
  const registrar = values.registrar ? openRegistrar(stage) : undefined;
  // Served also while this direction is off.
  const toK8sMetrics = metrics.ofController('to-kubernetes');
  const toK8s = values.toK8s ? await openToK8s(stage, toK8sMetrics) : undefined;
  const configEntries = values.configEntries ? openConfigEntries(stage) : undefined;
  const others = [toK8s?.lead, registrar?.lead, configEntries?.lead].filter((part) => part !== undefined);
  const leader = leaderOf([toConsul.lead, ...others], changed);
  const status = await openSyncStatus({
    ...toConsul,
    address: values.statusListen,
    metrics,
    owner,
    node: stage.options.node,
    dryRun: values.dryRun,
    toK8s,
    registrar,
    configEntries,
    isLeader: leader.isLeading,
    onChange,
  });
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

function openStage(composition: Composition, changed: () => void): Stage {
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
function openToConsul({ values, catalog, client, log, metrics, options, events, onRestart, changed }: Stage) {
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
    const ports = { source, catalog, reporter, clock: systemClock, random: Math.random };
    sync = createSync(ports, options);
    await sync.run(term);
    sync = undefined;
  };
  return { source, reporter, syncMetrics, sync: () => sync, lead };
}

function openRegistrar(stage: Stage): RunningRegistrar {
  const { values, client, consul, owner, log, metrics, options, events, onRestart, changed } = stage;
  return startRegistrar({
    client,
    consul,
    agents: { port: values.agentHttpPort, tls: values.agentTls },
    naming: namingOf(values),
    tokensOf: values.deletePodTokens ? values.podAuthMethod : undefined,
    log,
    metrics: metrics.ofController('registrar'),
    events,
    changed,
    onRestart,
    options: { owner, resync: options.resync, dryRun: options.dryRun, once: options.once },
  });
}

async function openToK8s(
  stage: Stage,
  metrics: Parameters<typeof toK8sPart>[0]['metrics'],
): Promise<ToK8sPart> {
  const { values, access, client, consul, owner, log, options, events, onRestart, changed } = stage;
  const namespace = values.k8sWriteNamespace ?? (await leaseNamespace(undefined, access));
  return toK8sPart({
    settings: toK8sSettings(values, owner, namespace),
    filter: values.toK8sFilter,
    healthRule: values.toK8sHealth,
    clusterCidrs: values.clusterCidrs,
    resync: options.resync,
    dryRun: values.dryRun,
    once: values.once,
    client,
    consul,
    log,
    metrics,
    warn: (target, reason, message) => events.record(target, 'Warning', reason, message),
    onRestart,
    changed,
  });
}

function openConfigEntries(stage: Stage): ConfigEntriesPart {
  const { values, client, consul, owner, log, metrics, options, events, onRestart, changed } = stage;
  return configEntriesPart({
    owner,
    adopt: values.configEntriesAdopt,
    policy: values.configEntriesPolicy,
    allowNamespaces: values.configEntriesNamespaces,
    datacenter: values.consulDatacenter,
    primaryDatacenter: values.consulPrimaryDatacenter,
    resync: options.resync,
    dryRun: values.dryRun,
    once: values.once,
    client,
    consul,
    log,
    metrics,
    events,
    onRestart: (failure) => onRestart('config-entries', failure),
    changed,
  });
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
