/** Where `tandem webhook` gets its certificate from: files, made for one replica, or shared by a Secret. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { fileSource } from '../certificates/file-source.ts';
import { type CertificateSource, validityProblem } from '../certificates/key-pair.ts';
import { serviceDnsNames } from '../certificates/service-names.ts';
import type { CertificateValues } from '../config/certificate-flags.ts';
import type { WebhookValues } from '../config/webhook-flags.ts';
import type { Environment } from '../config/parse-flags.ts';
import type { Log } from '../telemetry/logger.ts';
import type { ClusterCertificatesEvent } from './cluster-certificates.ts';
import { logElection } from './log-election.ts';
import { logRestart } from './log-restart.ts';

type OpenedCertificates = {
  readonly source: CertificateSource;
  /** Why what is served cannot be accepted, or undefined. */
  readonly problem: () => string | undefined;
  readonly close: () => Promise<void>;
};

/**
 * @param namespace the own one, when it is known
 * @throws TandemError when there is no certificate to start with; a shared one may come later
 */
export async function openCertificates(
  values: CertificateValues & Pick<WebhookValues, 'configEntries'>,
  namespace: string | undefined,
  environment: Environment,
  log: Log,
): Promise<OpenedCertificates> {
  const { tlsCertFile, tlsKeyFile, tlsAutoSecret, webhookConfiguration } = values;
  if (tlsAutoSecret !== undefined && webhookConfiguration !== undefined)
    return openShared(values, tlsAutoSecret, webhookConfiguration, namespace, environment, log);
  if (tlsCertFile !== undefined && tlsKeyFile !== undefined)
    return ownSource(await fileSource({ certificate: tlsCertFile, key: tlsKeyFile }));
  // What makes certificates is large, and a webhook with files never needs it.
  const { autoSource } = await import('../certificates/auto-source.ts');
  const hosts = hostsOf(values, namespace ?? 'default');
  return ownSource(await autoSource({ hosts, folder: values.tlsAutoDir, now: Date.now }));
}

function ownSource(source: CertificateSource): OpenedCertificates {
  return {
    source,
    problem: () => {
      const pair = source.current();
      return pair === undefined ? 'there is no certificate' : validityProblem(pair, Date.now());
    },
    close: async () => source.close(),
  };
}

async function openShared(
  values: Parameters<typeof openCertificates>[0],
  secret: string,
  configuration: string,
  namespace: string | undefined,
  environment: Environment,
  log: Log,
): Promise<OpenedCertificates> {
  // A webhook that shares no certificate needs no client of the API server, and starts without it.
  const [{ clusterAccess }, { apiClient }, { systemRuntime }, { LEASE_TIMES }, shared] = await Promise.all([
    import('../kubernetes/cluster-access.ts'),
    import('../kubernetes/api-client.ts'),
    import('../kubernetes/system-clock.ts'),
    import('../kubernetes/election.ts'),
    import('./cluster-certificates.ts'),
  ]);
  const access = await clusterAccess({ kubeconfig: values.kubeconfig, environment });
  const own = namespace ?? access.namespace ?? 'default';
  const { source, problem, stop } = shared.clusterCertificates({
    open: (mayWrite) => apiClient(access, undefined, mayWrite),
    secret: { namespace: own, name: secret },
    lease: secret,
    configuration,
    keepsValidating: values.configEntries,
    identity: `${hostname()}_${randomUUID()}`,
    hosts: hostsOf(values, own),
    times: shared.ROTATION_TIMES,
    leaseTimes: LEASE_TIMES,
    ...systemRuntime,
    onEvent: (event) => logEvent(event, `${own}/${secret}`, log),
  });
  return { source, problem, close: stop };
}

function hostsOf({ tlsAutoService, tlsAutoHosts }: CertificateValues, namespace: string): readonly string[] {
  const names = tlsAutoService === undefined ? [] : serviceDnsNames(tlsAutoService, namespace);
  return [...names, ...tlsAutoHosts];
}

function logEvent(event: ClusterCertificatesEvent, lease: string, log: Log): void {
  switch (event.kind) {
    case 'step':
      return log('info', 'certificates rotated', { step: event.step.kind, reason: event.step.reason });
    case 'failed':
      return log('warn', 'the certificates could not be rotated', { error: event.error.message });
    case 'watch':
      return logRestart(log, event.failure);
    case 'election':
      return logElection(event.event, lease, log);
  }
}
