/** Where `tandem webhook` gets its certificate from: files, made for one replica, or shared by a Secret. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { fileSource } from '../certificates/file-source.ts';
import { validityProblem, type CertificateSource } from '../certificates/key-pair.ts';
import { serviceNames } from '../certificates/service-names.ts';
import { boolean, list, string } from '../config/flag.ts';
import type { Environment, FlagValues } from '../config/parse-flags.ts';
import type { Log } from '../telemetry/logger.ts';
import { kubeconfigFlag } from '../config/common-flags.ts';
import type { ClusterCertificatesEvent } from './cluster-certificates.ts';

export const certificateFlags = {
  tlsCertFile: string('Certificate (PEM); read again when it changes.', 'FILE', undefined),
  tlsKeyFile: string('Private key of the certificate (PEM).', 'FILE', undefined),
  tlsAuto: boolean('Make certificates and renew them.', false),
  tlsAutoDir: string(
    'One replica: keep them in this folder, so that a restart changes nothing.',
    'DIR',
    undefined,
  ),
  tlsAutoSecret: string(
    'Any number of replicas: share them by this Secret of the own namespace.',
    'NAME',
    undefined,
  ),
  webhookConfiguration: string(
    'The MutatingWebhookConfiguration whose caBundle is kept in step with the Secret, in every entry.',
    'NAME',
    undefined,
  ),
  tlsAutoService: string('Service of the own namespace whose names they are for.', 'NAME', undefined),
  tlsAutoHosts: list('Further names and addresses that they are for.', 'HOSTS', [
    'localhost',
    '127.0.0.1',
    '::1',
  ]),
  ...kubeconfigFlag,
};

type Values = FlagValues<typeof certificateFlags>;

export type OpenedCertificates = {
  readonly source: CertificateSource;
  /** Why what is served cannot be accepted, or undefined. */
  readonly problem: () => string | undefined;
  readonly close: () => Promise<void>;
};

export function certificateProblems(values: Values): string[] {
  const { tlsAuto, tlsCertFile, tlsKeyFile, tlsAutoDir, tlsAutoSecret, webhookConfiguration } = values;
  const files = tlsCertFile !== undefined || tlsKeyFile !== undefined;
  return [
    ...(files && tlsAuto ? ['--tls-auto and --tls-cert-file exclude each other'] : []),
    ...(!files && !tlsAuto ? ['no certificate: give --tls-cert-file and --tls-key-file, or --tls-auto'] : []),
    ...(files && tlsCertFile === undefined ? ['--tls-key-file needs --tls-cert-file'] : []),
    ...(files && tlsKeyFile === undefined ? ['--tls-cert-file needs --tls-key-file'] : []),
    ...(!tlsAuto && tlsAutoDir !== undefined ? ['--tls-auto-dir needs --tls-auto'] : []),
    ...(!tlsAuto && tlsAutoSecret !== undefined ? ['--tls-auto-secret needs --tls-auto'] : []),
    ...(!tlsAuto && values.tlsAutoService !== undefined ? ['--tls-auto-service needs --tls-auto'] : []),
    ...(tlsAutoDir !== undefined && tlsAutoSecret !== undefined
      ? ['--tls-auto-dir and --tls-auto-secret exclude each other']
      : []),
    ...(tlsAutoSecret !== undefined && webhookConfiguration === undefined
      ? ['--tls-auto-secret needs --webhook-configuration: who publishes the CA decides when it may be used']
      : []),
    ...(tlsAutoSecret === undefined && webhookConfiguration !== undefined
      ? ['--webhook-configuration needs --tls-auto-secret']
      : []),
  ];
}

/**
 * @param namespace the own one, when it is known
 * @throws TandemError when there is no certificate to start with; a shared one may come later
 */
export async function openCertificates(
  values: Values,
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
  values: Values,
  secret: string,
  configuration: string,
  namespace: string | undefined,
  environment: Environment,
  log: Log,
): Promise<OpenedCertificates> {
  // A webhook that does not share needs no client of the API server, and starts without it.
  const [{ clusterAccess }, { apiClient }, { systemClock }, { LEASE_TIMES }, shared, { SERVICE_ACCOUNT }] =
    await Promise.all([
      import('../kubernetes/cluster-access.ts'),
      import('../kubernetes/api-client.ts'),
      import('../kubernetes/clock.ts'),
      import('../kubernetes/election.ts'),
      import('./cluster-certificates.ts'),
      import('../kubernetes/service-account.ts'),
    ]);
  const access = await clusterAccess({
    kubeconfig: values.kubeconfig,
    environment,
    serviceAccount: SERVICE_ACCOUNT,
  });
  const client = apiClient(access);
  const own = namespace ?? access.namespace ?? 'default';
  const { source, problem, stop } = shared.clusterCertificates({
    client,
    secret: { namespace: own, name: secret },
    lease: secret,
    configuration,
    identity: `${hostname()}_${randomUUID()}`,
    hosts: hostsOf(values, own),
    times: shared.ROTATION_TIMES,
    leaseTimes: LEASE_TIMES,
    clock: systemClock,
    random: Math.random,
    onEvent: (event) => logEvent(event, log),
  });
  return {
    source,
    problem,
    close: async () => {
      await stop();
      client.close();
    },
  };
}

function hostsOf({ tlsAutoService, tlsAutoHosts }: Values, namespace: string): readonly string[] {
  const names = tlsAutoService === undefined ? [] : serviceNames(tlsAutoService, namespace);
  return [...names, ...tlsAutoHosts];
}

function logEvent(event: ClusterCertificatesEvent, log: Log): void {
  switch (event.kind) {
    case 'step':
      return log('info', 'certificates rotated', { step: event.step.kind, reason: event.step.reason });
    case 'failed':
      return log('warn', 'the certificates could not be rotated', { error: event.error.message });
    case 'watch': {
      const { cause, error } = event.failure;
      return log('debug', 'watch restarted', { cause, error: error?.message });
    }
    case 'election':
      return logElection(event.event, log);
  }
}

function logElection(
  event: Extract<ClusterCertificatesEvent, { kind: 'election' }>['event'],
  log: Log,
): void {
  switch (event.kind) {
    case 'started':
      return log('info', 'leading');
    case 'ended':
      return log('info', 'no longer leading', { reason: event.reason });
    case 'lost':
      return log('info', 'another replica was first to write the Lease');
    case 'failed':
      return log('warn', 'the Lease could not be read or written', { error: event.error.message });
  }
}
