/** `tandem secure` as a process: composes the view, the loop, the election, and the reporters. */
import { readFile } from 'node:fs/promises';
import type { SecureValues } from '../config/secure-flags.ts';
import { runSecureLoop } from '../controllers/secure-loop.ts';
import { openStatusPort } from '../http/status-port.ts';
import { apiClient, type ApiClient, type ClusterAccess } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import { changeSignal } from '../reporting/change-signal.ts';
import { createSecureReporter } from '../reporting/secure-reporter.ts';
import { describeStep } from '../secure/describe-step.ts';
import { isPlainText, objectNames, type SecureSettings } from '../secure/secure-settings.ts';
import { reasonOf, TandemError } from '../support/errors.ts';
import { createLog, type Log } from '../telemetry/logger.ts';
import { createSecureMetrics } from '../telemetry/secure-metrics.ts';
import { version } from '../version.ts';
import { clusterOwner, clusterUid } from './cluster-owner.ts';
import { exit, type Context, type ExitCode } from './context.ts';
import { leadership } from './leadership.ts';
import { leaseNamespace } from './lease-namespace.ts';
import { openSecureView, type SecureView } from './open-secure-view.ts';
import { processEvents } from './process-events.ts';
import { askFor, printPlan, purgeObjects } from './secure-actions.ts';
import { stepWriter } from './secure-steps.ts';
import { secureTokens } from './secure-tokens.ts';
import { together } from './together.ts';

/** Runs until the signal of the context, or until what it was asked for is done. */
export async function openSecure(values: SecureValues, context: Context): Promise<ExitCode> {
  const { kubeconfig, plan, rotate, purge } = values;
  const access = await clusterAccess({ kubeconfig, environment: context.environment });
  const namespace = await leaseNamespace(values.namespace, access);
  const client = apiClient(access);
  const place = { name: values.name ?? '', namespace };
  try {
    if (purge !== undefined) return await purgeObjects(client, place, context);
    if (rotate !== undefined) {
      const parts = { ...values, ...place, clients: values.clientSelector !== '' };
      return await askFor(client, parts, rotate, context);
    }
    const settings = await settingsOf(values, namespace, client, context.signal);
    return plan
      ? await printPlan(settings, values, { access, client }, context)
      : await runSecure(settings, values, access, context);
  } finally {
    client.close();
  }
}

async function settingsOf(
  values: SecureValues,
  namespace: string,
  client: ApiClient,
  signal: AbortSignal,
): Promise<SecureSettings> {
  const { name = '', authMethodHost: host, authMethodCaFile: file, clientSelector } = values;
  const { externalServers: addresses, consulTlsServerName: serverName } = values;
  const external =
    addresses.length === 0
      ? undefined
      : { addresses, serverName, cluster: await clusterUid(client, '; allow that', signal) };
  const { bootstrapTokenSecret: brought, bootstrapTokenKey: key } = values;
  return {
    ...values,
    name,
    namespace,
    external,
    // Their gossip and their certificates are somebody else's.
    gossip: values.gossip && external === undefined,
    tls: values.tls && external === undefined,
    bootstrapToken: brought === undefined ? undefined : { secret: brought, key },
    owner: values.owner ?? (await clusterOwner(client, signal)),
    clients: clientSelector !== '',
    apiServer: { host, ca: values.acls ? await readCa(file) : '' },
  };
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TandemError(
      'TANDEM_FILE_UNREADABLE',
      `cannot read the CA of the API server in ${file}: ${reasonOf(cause)}`,
      cause,
    );
  }
}

async function runSecure(
  settings: SecureSettings,
  values: SecureValues,
  access: ClusterAccess,
  { stdout, signal }: Context,
): Promise<ExitCode> {
  const log = createLog(stdout, values.logLevel);
  if (isPlainText(settings)) log('warn', 'tokens go to Consul in plain text, because TLS is off');
  const metrics = createSecureMetrics();
  const { changed, onChange } = changeSignal();
  const leading = leadership(values.leaderElection, changed);
  const lease = apiClient(access);
  const client = apiClient(access, undefined, leading.mayWrite);
  const parts = { settings, client, log };
  const view = await openSecureView({ ...parts, values, access, metrics, mayWrite: leading.mayWrite });
  const events = processEvents(client, log);
  const { reporter, status } = createSecureReporter({
    settings,
    metrics,
    log,
    now: Date.now,
    changed,
    event: (source, type, reason, message) => {
      const target = targetOf(source, settings, view);
      if (target !== undefined) events.record(target, type, reason, message);
    },
  });
  const hasLogins = settings.acls && settings.podAuthMethod;
  const tokens = hasLogins ? secureTokens({ ...parts, view, changed }) : undefined;
  const lead = (term: AbortSignal): Promise<void> => {
    const perform = toldBefore(stepWriter({ ...view, client, settings }), log);
    const ports = { ...view, reporter, perform, ...systemRuntime };
    const loop = (until: AbortSignal): Promise<void> => runSecureLoop(ports, settings, until);
    return together([loop, ...(tokens === undefined ? [] : [tokens.lead])], term);
  };
  const { name, namespace, owner } = settings;
  const server = await openStatusPort(
    {
      title: 'Tandem secure',
      version,
      notReady: () => (view.isSynced() ? undefined : 'the pods of Consul are not listed yet'),
      metrics: () => {
        metrics.leader(leading.isLeading());
        return metrics.text();
      },
      metricsType: metrics.contentType,
      status: () => ({
        process: { owner, node: '', leader: leading.isLeading(), dryRun: false },
        controllers: [status(), ...(tokens === undefined ? [] : [tokens.status()])],
        webhook: undefined,
      }),
      onStatusChange: onChange,
    },
    values.statusListen,
  );
  log('info', 'serving', { status: server.address, name, namespace, owner, version });
  try {
    const place = { namespace, lease: objectNames(name).lease };
    await leading.run(lead, { ...place, client: lease, log, shutdownDelay: 0 }, signal);
  } finally {
    await Promise.all([view.stop(), tokens?.stop()]);
    await events.idle();
    await server.close();
    client.close();
    lease.close();
  }
  log('info', 'stopped');
  return exit.done;
}

function toldBefore(perform: ReturnType<typeof stepWriter>, log: Log): typeof perform {
  return (step, until) => {
    log('debug', 'a step begins', { ...describeStep(step) });
    return perform(step, until);
  };
}

/** The pod of an agent, or else the Secret of the loop. */
function targetOf(source: string, { name, namespace }: SecureSettings, view: SecureView) {
  const pod = view.pods().find((each) => source === `Pod/${namespace}/${each.name}`);
  if (pod !== undefined) return { apiVersion: 'v1', kind: 'Pod', namespace, name: pod.name, uid: pod.uid };
  const { uid } = view.seen().objects;
  return uid === undefined
    ? undefined
    : { apiVersion: 'v1', kind: 'Secret', namespace, name: objectNames(name).state, uid };
}
