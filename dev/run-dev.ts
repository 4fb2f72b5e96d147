/** `tandem dev`: the whole product in one process, with a folder in the place of the cluster and a catalog in that of Consul. */
import { parseConsulAddresses, type ConsulAddresses } from '../src/config/consul-addresses.ts';
import { consulFlags } from '../src/config/consul-settings.ts';
import { integer, parsed, string } from '../src/config/flag.ts';
import { injectFlagProblems, injectFlags } from '../src/config/inject-settings.ts';
import { listenAddress } from '../src/config/listen-address.ts';
import type { FlagValues } from '../src/config/parse-flags.ts';
import { syncNodeName, toConsulFlags, toConsulSettings } from '../src/config/sync-settings.ts';
import { syncCatalog } from '../src/consul/sync-catalog.ts';
import { createSync } from '../src/controllers/sync-loop.ts';
import { startEmbeddedConsul, type EmbeddedConsul } from './embedded/embedded-consul.ts';
import { apiClient } from '../src/kubernetes/api-client.ts';
import { systemClock } from '../src/kubernetes/clock.ts';
import { clusterAccess } from '../src/kubernetes/cluster-access.ts';
import { SERVICE_ACCOUNT } from '../src/kubernetes/service-account.ts';
import { createLog, type Log } from '../src/telemetry/logger.ts';
import { createSyncMetrics } from '../src/telemetry/sync-metrics.ts';
import { version } from '../src/version.ts';
import { changeSignal } from '../src/reporting/change-signal.ts';
import { clusterOwner } from '../src/runtime/cluster-owner.ts';
import { clusterSource } from '../src/runtime/cluster-source.ts';
import { command, exit, type Context } from '../src/cli/command.ts';
import { openConsulOf } from '../src/runtime/consul-access.ts';
import { LOOPBACK, openDevServer } from './dev-server.ts';
import { folderSource } from './folder-source.ts';
import { folderStatus } from './folder-status.ts';
import { logLevelFlag, statusListenFlag } from '../src/cli/server-flags.ts';
import { createReporter } from '../src/reporting/sync-reporter.ts';
import { tell } from '../src/runtime/tell.ts';

const PORT = { min: 0, max: 65_535 };

const flags = {
  kubeconfig: string('A cluster in the place of the folder.', 'FILE', undefined),
  consulHttpAddr: parsed<ConsulAddresses | undefined>(
    'Consul in the place of the embedded catalog.',
    'ADDRESSES',
    undefined,
    parseConsulAddresses,
    { variables: ['CONSUL_HTTP_ADDR'] },
  ),
  httpPort: integer("Port of the embedded catalog: Consul's HTTP API.", 'PORT', 8500, PORT),
  dnsPort: integer('Port of its DNS, UDP and TCP.', 'PORT', 8600, PORT),
  listen: listenAddress('Address of the webhook, on TLS.', { host: LOOPBACK, port: 8443 }),
  ...statusListenFlag(LOOPBACK),
  tlsDir: string('Folder of the certificates of the webhook, made when they are not there.', 'DIR', 'certs'),
  ...logLevelFlag,
  consulToken: consulFlags.consulToken,
  consulTokenFile: consulFlags.consulTokenFile,
  consulCaFile: consulFlags.consulCaFile,
  ...toConsulFlags,
  ...injectFlags,
};

type Values = FlagValues<typeof flags>;

/** Of what comes from a folder, when no flag says otherwise. */
const OWNER = 'dev';

export const devCommand = command({
  operands: '[FILE…|DIR]',
  flags,
  examples: ['tandem dev examples', 'tandem dev examples --consul-http-addr=127.0.0.1:8500'],
  check: injectFlagProblems,
  run: async (values, operands, context) => {
    if (operands.length === 0 && values.kubeconfig === undefined) {
      tell(context.stderr, 'tandem dev: name a folder of manifests, or a cluster by --kubeconfig');
      return exit.usage;
    }
    const log = createLog(context.stdout, values.logLevel);
    const ends: (() => unknown)[] = [];
    try {
      await runDev(values, operands, { context, log, atEnd: (end) => ends.push(end) });
    } finally {
      for (const end of ends.toReversed()) await end();
    }
    log('info', 'stopped');
    return exit.done;
  },
});

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

async function runDev(values: Values, operands: readonly string[], stage: Stage): Promise<void> {
  const { context, log, atEnd } = stage;
  const embedded = values.consulHttpAddr === undefined ? await openEmbedded(values, stage) : undefined;
  const syncMetrics = createSyncMetrics();
  const consul = await openConsulOf(
    { ...values, ...NO_LOGIN, consulHttpAddr: values.consulHttpAddr ?? [embedded?.url ?? ''] },
    {
      environment: context.environment,
      kubeconfig: values.kubeconfig,
      signal: context.signal,
      onRequest: ({ endpoint, status }) => syncMetrics.consulRequest(endpoint, status),
      warn: (message, reason) => log('warn', message, { reason }),
    },
  );
  atEnd(() => consul.close());
  const changes = changeSignal();
  const { source, owner, watches, files } = await openSource(values, operands, stage, changes.changed);
  const reporter = createReporter({
    log,
    metrics: syncMetrics,
    now: Date.now,
    service: source.snapshot.service,
    // The log has it, and a folder has no Events.
    warn: () => undefined,
    isDryRun: false,
    changed: changes.changed,
  });
  const node = syncNodeName(values, owner);
  const sync = createSync(
    { source, catalog: syncCatalog(consul), reporter, clock: systemClock, random: Math.random },
    {
      settings: toConsulSettings(values, owner),
      policy: values.policy,
      node,
      adoptNodes: [],
      resync: 600_000,
      dryRun: false,
      once: false,
    },
  );
  const told = { owner, node, sync, reporter, watches, files, changes };
  const server = await openDevServer({ values, log, syncMetrics, ...told, atEnd });
  log('info', 'serving', {
    webhook: `https://${server.tls}/mutate`,
    page: `http://${server.status}/`,
    status: `http://${server.status}/status`,
    consul: embedded?.url ?? addressText(values.consulHttpAddr),
    dns: embedded === undefined ? undefined : `${LOOPBACK}:${embedded.dnsPort}`,
    ca: `${values.tlsDir}/ca.crt`,
    version,
  });
  await sync.run(context.signal);
}

function addressText(addresses: Values['consulHttpAddr']): string | undefined {
  return addresses !== undefined && 'kind' in addresses ? 'auto-join' : addresses?.join(',');
}

async function openEmbedded({ httpPort, dnsPort }: Values, { atEnd }: Stage): Promise<EmbeddedConsul> {
  const embedded = await startEmbeddedConsul({ httpPort, dnsPort });
  atEnd(() => embedded.close());
  return embedded;
}

async function openSource(
  values: Values,
  operands: readonly string[],
  { context, log, atEnd }: Stage,
  changed: () => void,
) {
  const { kubeconfig, owner } = values;
  if (kubeconfig !== undefined) {
    const { environment } = context;
    const client = apiClient(
      await clusterAccess({ kubeconfig, environment, serviceAccount: SERVICE_ACCOUNT }),
    );
    atEnd(() => client.close());
    const source = clusterSource({
      client,
      withIngresses: values.enableIngress,
      onRestart: (kind, { cause, error }) =>
        log('warn', 'a watch begins again', { kind, cause, error: error?.message }),
    });
    atEnd(() => source.stop());
    return {
      source,
      owner: owner ?? (await clusterOwner(client)),
      watches: source.watches,
      files: () => undefined,
    };
  }
  const { onRead, status } = folderStatus(log, Date.now, changed);
  const source = await folderSource({ operands, stdin: context.stdin, onRead });
  atEnd(() => source.close());
  return { source, owner: owner ?? OWNER, watches: () => ({}), files: status };
}
