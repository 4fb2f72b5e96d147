/** Composes the whole product in one process, with a folder in the place of the cluster and a catalog in that of Consul. */
import type { ConsulAddresses } from '../src/config/consul-addresses.ts';
import { consulSettings } from '../src/config/consul-settings.ts';
import { syncNodeName, toConsulSettings } from '../src/config/sync-settings.ts';
import { syncCatalog } from '../src/consul/sync-catalog.ts';
import { createSync } from '../src/controllers/sync-loop.ts';
import { apiClient } from '../src/kubernetes/api-client.ts';
import { systemRuntime } from '../src/kubernetes/system-clock.ts';
import { clusterAccess } from '../src/kubernetes/cluster-access.ts';
import { changeSignal } from '../src/reporting/change-signal.ts';
import { createToConsulReporter } from '../src/reporting/to-consul-reporter.ts';
import { clusterOwner } from '../src/runtime/cluster-owner.ts';
import { clusterSource } from '../src/runtime/cluster-source.ts';
import { openConsulOf } from '../src/runtime/consul-access.ts';
import type { Context } from '../src/runtime/context.ts';
import { createLog, type Log } from '../src/telemetry/logger.ts';
import { createSyncMetrics } from '../src/telemetry/sync-metrics.ts';
import { version } from '../src/version.ts';
import { LOOPBACK, type DevValues } from './dev-flags.ts';
import { openDevServer } from './dev-server.ts';
import { type EmbeddedConsul, startEmbeddedConsul } from './embedded/embedded-consul.ts';
import type { JsonObject } from '../src/support/json.ts';
import { folderSource } from './folder-source.ts';
import { folderStatus } from './folder-status.ts';

/** Of what comes from a folder, when no flag says otherwise. */
const OWNER = 'dev';

/** Runs until the signal of the context. */
export async function openDev(
  values: DevValues,
  operands: readonly string[],
  context: Context,
): Promise<void> {
  const log = createLog(context.stdout, values.logLevel);
  const ends: (() => unknown)[] = [];
  try {
    await runDev(values, operands, { context, log, atEnd: (end) => ends.push(end) });
  } finally {
    for (const end of ends.toReversed()) await end();
  }
  log('info', 'stopped');
}

/** Flags of `sync` that a developer's machine has no use for. */
const NO_LOGIN = {
  consulAuthMethod: undefined,
  consulBearerTokenFile: '',
  consulDatacenter: undefined,
  consulNamespace: undefined,
};

type Stage = {
  readonly context: Context;
  readonly log: Log;
  readonly atEnd: (end: () => unknown) => void;
};

async function runDev(values: DevValues, operands: readonly string[], stage: Stage): Promise<void> {
  const { context, log, atEnd } = stage;
  const embedded = values.consulHttpAddr === undefined ? await openEmbedded(values, stage) : undefined;
  const syncMetrics = createSyncMetrics();
  const consulValues = {
    ...values,
    ...NO_LOGIN,
    consulHttpAddr: values.consulHttpAddr ?? [embedded?.url ?? ''],
    consulHttpSsl: values.consulHttpSsl && embedded === undefined,
  };
  const consul = await openConsulOf(consulValues, {
    environment: context.environment,
    kubeconfig: values.kubeconfig,
    signal: context.signal,
    onRequest: ({ endpoint, status }) => syncMetrics.consulRequest(endpoint, status),
    warn: (message, reason) => log('warn', message, { reason }),
  });
  atEnd(() => consul.close());
  const changes = changeSignal();
  const { source, owner, watches, files } = await openSource(values, operands, stage, {
    changed: changes.changed,
    setEntries: (entries) => embedded?.setEntries(entries),
  });
  const controllerMetrics = syncMetrics.ofController('to-consul');
  syncMetrics.leader(true);
  const reporter = createToConsulReporter({
    log,
    metrics: controllerMetrics,
    now: Date.now,
    service: source.snapshot.service,
    // The log has it, and a folder has no Events.
    warn: () => undefined,
    isDryRun: false,
    changed: changes.changed,
  });
  const node = syncNodeName(values, owner);
  const sync = createSync(
    { source, catalog: syncCatalog(consul), reporter, ...systemRuntime },
    {
      settings: toConsulSettings(values, owner),
      policy: values.policy,
      node,
      adoptNodes: [],
      isSourceOld: false,
      resync: 600_000,
      dryRun: false,
      once: false,
    },
  );
  const told = { owner, node, sync, reporter, watches, files, changes };
  const server = await openDevServer({ values, log, syncMetrics, controllerMetrics, ...told, atEnd });
  log('info', 'serving', {
    webhook: `https://${server.tls}/mutate`,
    page: `http://${server.status}/`,
    status: `http://${server.status}/status`,
    consul: addressText(consulSettings(consulValues).addresses),
    dns: embedded === undefined ? undefined : `${LOOPBACK}:${embedded.dnsPort}`,
    ca: `${values.tlsDir}/ca.crt`,
    version,
  });
  await sync.run(context.signal);
}

function addressText(addresses: ConsulAddresses): string {
  return 'kind' in addresses ? 'auto-join' : addresses.join(',');
}

async function openEmbedded({ httpPort, dnsPort }: DevValues, { atEnd }: Stage): Promise<EmbeddedConsul> {
  const embedded = await startEmbeddedConsul({ httpPort, dnsPort });
  atEnd(() => embedded.close());
  return embedded;
}

type Told = {
  readonly changed: () => void;
  readonly setEntries: (entries: readonly JsonObject[]) => void;
};

async function openSource(
  values: DevValues,
  operands: readonly string[],
  { context, log, atEnd }: Stage,
  { changed, setEntries }: Told,
) {
  const { kubeconfig, owner } = values;
  if (kubeconfig !== undefined) {
    const { environment } = context;
    const client = apiClient(await clusterAccess({ kubeconfig, environment }));
    atEnd(() => client.close());
    const source = clusterSource({
      client,
      withIngresses: values.enableIngress,
      onRestart: (kind, { cause, error }) =>
        log('warn', 'a watch is restarted', { kind, cause, error: error?.message }),
    });
    atEnd(() => source.stop());
    return {
      source,
      owner: owner ?? (await clusterOwner(client, context.signal)),
      watches: source.watches,
      files: () => undefined,
    };
  }
  const { onRead, status } = folderStatus(log, Date.now, changed);
  const source = await folderSource({
    operands,
    stdin: context.stdin,
    onRead: (outcome) => {
      onRead(outcome);
      if (!('error' in outcome)) setEntries(outcome.entries);
    },
  });
  atEnd(() => source.close());
  return { source, owner: owner ?? OWNER, watches: () => ({}), files: status };
}
