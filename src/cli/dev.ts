/** `tandem dev`: the whole product in one process, with a folder in the place of the cluster and a catalog in that of Consul. */
import { randomUUID } from 'node:crypto';
import { autoSource } from '../certificates/auto-source.ts';
import { validityProblem } from '../certificates/key-pair.ts';
import { parseConsulAddresses, type ConsulAddresses } from '../config/consul-addresses.ts';
import { consulFlags } from '../config/consul-settings.ts';
import { integer, oneOf, parsed, string } from '../config/flag.ts';
import { injectFlagProblems, injectFlags, injectSettings } from '../config/inject-settings.ts';
import { listenAddress } from '../config/listen-address.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { syncNodeName, toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { createSync, type Sync } from '../controller/sync-loop.ts';
import { startEmbeddedConsul, type EmbeddedConsul } from '../embedded/embedded-consul.ts';
import { inject } from '../inject/inject.ts';
import { apiClient } from '../kubernetes/api-client.ts';
import { systemClock } from '../kubernetes/clock.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { SERVICE_ACCOUNT } from '../kubernetes/service-account.ts';
import { createLog, logLevels, type Log } from '../telemetry/logger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createSyncMetrics, type SyncMetrics } from '../telemetry/sync-metrics.ts';
import { version } from '../version.ts';
import { webhook, type Webhook } from '../webhook/webhook.ts';
import { recordAdmission } from './admission-log.ts';
import { clusterOwner } from './cluster-owner.ts';
import { clusterSource } from './cluster-source.ts';
import { command, exit, type Context } from './command.ts';
import { openConsulOf } from './consul-access.ts';
import { folderSource } from './folder-source.ts';
import { createReporter, type Reporter } from './sync-reporter.ts';
import { problemCounts, syncStatus } from './sync-status.ts';

const LOOPBACK = '127.0.0.1';
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
  statusListen: listenAddress('Address of the plain port: health, metrics, /status.', {
    host: LOOPBACK,
    port: 8081,
  }),
  tlsDir: string('Folder of the certificates of the webhook, made when they are not there.', 'DIR', 'certs'),
  logLevel: oneOf('Least important log lines that are written.', logLevels, 'info'),
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
  name: 'dev',
  summary: 'Run all of it in one process, with no cluster',
  operands: '[FILE…|DIR]',
  flags,
  shared: {
    title: 'Flags of the catalog, of Consul and of injection (docs/flags.md):',
    keys: [
      'consulToken',
      'consulTokenFile',
      'consulCaFile',
      ...Object.keys(toConsulFlags),
      ...Object.keys(injectFlags),
    ],
  },
  examples: ['tandem dev examples', 'tandem dev examples --consul-http-addr=127.0.0.1:8500'],
  check: injectFlagProblems,
  run: async (values, operands, context) => {
    if (operands.length === 0 && values.kubeconfig === undefined) {
      context.stderr.write('tandem dev: name a folder of manifests, or a cluster by --kubeconfig\n');
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
  const { source, owner, watches } = await openSource(values, operands, stage);
  const reporter = createReporter({
    log,
    metrics: syncMetrics,
    now: Date.now,
    service: source.snapshot.service,
    // The log has it, and a folder has no Events.
    warn: () => undefined,
    isDryRun: false,
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
  const status = { owner, node, sync, reporter, watches };
  const server = await openWebhook(values, { metrics: createMetrics(), syncMetrics, status }, stage);
  log('info', 'serving', {
    webhook: `https://${server.tls}/mutate`,
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

async function openSource(values: Values, operands: readonly string[], { context, log, atEnd }: Stage) {
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
    return { source, owner: owner ?? (await clusterOwner(client)), watches: source.watches };
  }
  const source = await folderSource({
    operands,
    stdin: context.stdin,
    onRead: (outcome) => {
      if ('objects' in outcome) log('info', 'manifests read', { objects: outcome.objects });
      else
        log('error', 'the manifests cannot be read; what was read before stays', {
          error: String(outcome.error),
        });
    },
  });
  atEnd(() => source.close());
  return { source, owner: owner ?? OWNER, watches: () => ({}) };
}

type Told = {
  readonly metrics: Metrics;
  readonly syncMetrics: SyncMetrics;
  readonly status: {
    readonly owner: string;
    readonly node: string;
    readonly sync: Sync;
    readonly reporter: Reporter;
    readonly watches: () => Parameters<typeof syncStatus>[0]['watches'];
  };
};

async function openWebhook(
  values: Values,
  { metrics, syncMetrics, status }: Told,
  { log, atEnd }: Stage,
): Promise<Awaited<ReturnType<Webhook['listen']>>> {
  const hosts = ['localhost', LOOPBACK, '::1'];
  const certificates = await autoSource({ hosts, folder: values.tlsDir, now: Date.now });
  atEnd(() => certificates.close());
  const settings = injectSettings(values, { version, nativeSidecar: true, ownNamespace: undefined });
  const { sync, reporter, watches, ...identity } = status;
  const server = webhook({
    inject: (request, defaultInject = settings.defaultInject) =>
      inject(request, { ...settings, defaultInject }),
    onAdmission: (outcome) => recordAdmission(outcome, log, metrics),
    newErrorId: randomUUID,
    title: 'Tandem dev',
    documents: {
      '/status': () =>
        syncStatus({ ...identity, isLeader: true, sync, reporter: reporter.state(), watches: watches() }),
    },
    metrics: async () => {
      const gauges = { ...sync.counts(), isLeader: true, problems: problemCounts(sync) };
      return (await metrics.text()) + (await syncMetrics.text(gauges));
    },
    metricsType: metrics.contentType,
    certificate: certificates.current,
    certificateProblem: () => validityProblem(certificates.current(), Date.now()),
  });
  certificates.onEvent(() => server.renew());
  const addresses = await server.listen(values.listen, values.statusListen);
  atEnd(() => server.stop(0));
  return addresses;
}
