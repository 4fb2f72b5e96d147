/** Where `tandem webhook` gets its certificate from. */
import { kubeconfigFlag } from './common-flags.ts';
import { boolean, list, string } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

export const certificateFlags = {
  tlsCertFile: string('Certificate (PEM). It is read again when it changes.', 'FILE', undefined),
  tlsKeyFile: string('Private key of the certificate (PEM).', 'FILE', undefined),
  tlsAuto: boolean('Create certificates and renew them.', false),
  tlsAutoDir: string(
    'For one replica: keep the certificates in this folder, so that a restart does not change them.',
    'DIR',
    undefined,
  ),
  tlsAutoSecret: string(
    "For any number of replicas: share the certificates in this Secret, in Tandem's namespace.",
    'NAME',
    undefined,
  ),
  webhookConfiguration: string(
    'MutatingWebhookConfiguration to update: every caBundle in it follows the Secret.',
    'NAME',
    undefined,
  ),
  tlsAutoService: string(
    "Service in Tandem's namespace whose DNS names the certificates cover.",
    'NAME',
    undefined,
  ),
  tlsAutoHosts: list('More names and addresses that the certificates cover.', 'HOSTS', [
    'localhost',
    '127.0.0.1',
    '::1',
  ]),
  ...kubeconfigFlag,
};

export type CertificateValues = FlagValues<typeof certificateFlags>;

export function certificateProblems(values: CertificateValues): string[] {
  const { tlsAuto, tlsCertFile, tlsKeyFile, tlsAutoDir, tlsAutoSecret, webhookConfiguration } = values;
  const files = tlsCertFile !== undefined || tlsKeyFile !== undefined;
  return [
    ...(files && tlsAuto ? ['--tls-auto and --tls-cert-file exclude each other'] : []),
    ...(!files && !tlsAuto ? ['no certificate: set --tls-cert-file and --tls-key-file, or --tls-auto'] : []),
    ...(files && tlsCertFile === undefined ? ['--tls-key-file needs --tls-cert-file'] : []),
    ...(files && tlsKeyFile === undefined ? ['--tls-cert-file needs --tls-key-file'] : []),
    ...(!tlsAuto && tlsAutoDir !== undefined ? ['--tls-auto-dir needs --tls-auto'] : []),
    ...(!tlsAuto && tlsAutoSecret !== undefined ? ['--tls-auto-secret needs --tls-auto'] : []),
    ...(!tlsAuto && values.tlsAutoService !== undefined ? ['--tls-auto-service needs --tls-auto'] : []),
    ...(tlsAutoDir !== undefined && tlsAutoSecret !== undefined
      ? ['--tls-auto-dir and --tls-auto-secret exclude each other']
      : []),
    ...(tlsAutoSecret !== undefined && webhookConfiguration === undefined
      ? [
          '--tls-auto-secret needs --webhook-configuration: the process that publishes the CA decides when it may be used',
        ]
      : []),
    ...(tlsAutoSecret === undefined && webhookConfiguration !== undefined
      ? ['--webhook-configuration needs --tls-auto-secret']
      : []),
  ];
}
