/** The webhook as a process: composes engine, certificates, servers, log and metrics. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { admitPod } from '../admission/admit-pod.ts';
import { type CertificateSource, lifeOf } from '../certificates/key-pair.ts';
import { injectSettings, withDefaults } from '../config/inject-settings.ts';
import type { Environment } from '../config/parse-flags.ts';
import type { WebhookValues } from '../config/webhook-flags.ts';
import { openCaFile, type CaFile } from '../consul/ca-file.ts';
import { webhook } from '../http/webhook.ts';
import { parseResolver, type Resolver } from '../inject/resolver.ts';
import type { InjectRequest } from '../inject/decide.ts';
import type { InjectSettings, NamespaceDefaults } from '../inject/settings.ts';
import type { InCluster } from '../kubernetes/in-cluster.ts';
import { ownNamespace, SERVICE_ACCOUNT } from '../kubernetes/service-account.ts';
import { admissionLog } from '../reporting/admission-log.ts';
import { changeSignal } from '../reporting/change-signal.ts';
import { admissionRecord, webhookStatus } from '../reporting/webhook-status.ts';
import { createLog, type Log } from '../telemetry/logger.ts';
import { createMetrics, type WebhookMetrics } from '../telemetry/metrics.ts';
import { version } from '../version.ts';
import { readClusterFeatures } from './cluster-features.ts';
import type { Context } from './context.ts';
import { openCertificates } from './webhook-certificates.ts';
import { webhookOwner } from './webhook-owner.ts';

// Set before code is compiled for it, and for this command alone. Objects that outlived a burst once are from then on made
// where only the collection of the whole heap looks: each holds a request that has long ended, and an admission costs a quarter
// more, a skipped pod two thirds. Hardly anything outlives a collection of young objects, so that several threads spend more on
// waking each other (3 %). The heap as a whole is looked at when it has doubled, not when it has grown by 30 %: pods with 1,500
// variables cost a quarter less. Compiled into their callers, map and filter give arrays of another kind than before, and all
// code that was compiled for the old kind is compiled again: 93 times in the first 40,000 admissions, for a quarter of their CPU.
export const V8_FLAGS = [
  '--no-allocation-site-pretenuring',
  '--no-parallel-scavenge',
  '--heap-growing-percent=100',
  '--no-turbo-inline-array-builtins',
];

/** Runs until the signal of the context. */
export async function runWebhook(
  values: WebhookValues,
  { environment, stdout, signal }: Context,
): Promise<void> {
  for (const flag of V8_FLAGS) setFlagsFromString(flag);
  const log = createLog(stdout, values.logLevel);
  const metrics = createMetrics();
  const namespace = values.ownNamespace ?? (await ownNamespace());
  const owner = await webhookOwner(values, { environment, signal });
  const ca = await openCa(values, log);
  // The table of kinds is large, and a webhook without config entries never needs it.
  const { admitEntry } = values.configEntries ? await import('../admission/admit-entry.ts') : {};
  const engine = await openEngine(values, { ...owner, ownNamespace: namespace, ca }, environment, log);
  const { source, problem, close } = await openCertificates(values, namespace, environment, log);
  const admissions = admissionRecord(Date.now);
  const changes = changeSignal();
  const requests = admissionLog(log, metrics, Date.now);
  try {
    const server = webhook({
      inject: engine,
      admitEntry,
      onAdmission: (outcome) => {
        requests.admission(outcome);
        admissions.add(outcome);
        changes.changed();
      },
      onRefusal: requests.refusal,
      newErrorId: randomUUID,
      title: 'Tandem webhook',
      version,
      status: () => ({
        process: undefined,
        controllers: [],
        webhook: webhookStatus(source.current(), problem(), admissions),
      }),
      onStatusChange: changes.onChange,
      metrics: metrics.text,
      metricsType: metrics.contentType,
      certificate: source.current,
      certificateProblem: problem,
    });
    followCertificates(source, server.renew, log, metrics);
    source.onEvent(changes.changed);
    const addresses = await server.listen(values.listen, values.statusListen);
    log('info', 'serving', { ...addresses, ...owner, version });
    if (!signal.aborted) await once(signal, 'abort');
    log('info', 'stopping', { delaySeconds: values.shutdownDelay });
    await server.stop(values.shutdownDelay * 1000);
    log('info', 'stopped');
  } finally {
    ca?.close();
    await close();
  }
}

async function openCa({ consulCaFile }: WebhookValues, log: Log): Promise<CaFile | undefined> {
  if (consulCaFile === undefined) return undefined;
  return openCaFile(consulCaFile, (reason) =>
    log('error', 'the new CA of Consul cannot be used; the old one stays', { reason }),
  );
}

async function openEngine(
  values: WebhookValues,
  {
    ca,
    ...known
  }: {
    readonly owner?: string;
    readonly ownNamespace: string | undefined;
    readonly ca: CaFile | undefined;
  },
  environment: Environment,
  log: Log,
) {
  const features = await readClusterFeatures(values, ownCluster(environment), log);
  const resolver = values.proxyMode === 'dataplane' ? await readResolver() : undefined;
  const consulCaPem = (): string | undefined => ca?.current() ?? values.consulCaPem;
  const settingsNow = (): InjectSettings =>
    injectSettings({ ...values, consulCaPem: consulCaPem() }, { version, ...features, ...known, resolver });
  let settings = settingsNow();
  // One for each path of the server, which are a few.
  const byDefaults = new Map<NamespaceDefaults, InjectSettings>();
  return (request: InjectRequest, defaults: NamespaceDefaults) => {
    if (settings.consul.caCertificate !== consulCaPem()) {
      settings = settingsNow();
      byDefaults.clear();
    }
    let ofNamespace = byDefaults.get(defaults);
    if (ofNamespace === undefined) byDefaults.set(defaults, (ofNamespace = withDefaults(settings, defaults)));
    return admitPod(request, ofNamespace);
  };
}

/** What pods with the usual policy have, as this one is: read once, for no admission reads a file. */
async function readResolver(): Promise<Resolver | undefined> {
  try {
    return parseResolver(await readFile('/etc/resolv.conf', 'utf8'));
  } catch {
    return undefined;
  }
}

function ownCluster({
  KUBERNETES_SERVICE_HOST: host,
  KUBERNETES_SERVICE_PORT: port = '443',
}: Environment): InCluster | undefined {
  return host === undefined ? undefined : { host, port, serviceAccount: SERVICE_ACCOUNT };
}

function followCertificates(
  source: CertificateSource,
  renew: () => void,
  log: Log,
  metrics: WebhookMetrics,
): void {
  const first = source.current();
  if (first !== undefined) metrics.certificateExpiry(lifeOf(first).expires);
  source.onEvent((event) => {
    metrics.certificateReload(event.kind);
    if (event.kind === 'failed') {
      log('error', 'the new certificate cannot be used; the old one stays', { error: event.error.message });
      return;
    }
    renew();
    const { expires } = lifeOf(event.pair);
    metrics.certificateExpiry(expires);
    log('info', 'certificate changed', { expires: new Date(expires).toISOString() });
  });
}
