/** The flags of `tandem webhook`. */
import { certificateFlags, certificateProblems } from './certificate-flags.ts';
import { boolean, oneOf, string } from './flag.ts';
import { injectFlagProblems, injectFlags } from './inject-settings.ts';
import { listenAddress, logLevelFlag, shutdownDelayFlag, statusListenFlag } from './common-flags.ts';
import type { FlagValues } from './parse-flags.ts';

export const webhookFlags = {
  listen: listenAddress('Address of the TLS port.', { host: '0.0.0.0', port: 8443 }),
  ...statusListenFlag('0.0.0.0'),
  ...certificateFlags,
  configEntries: boolean(
    'Check config entries, too. A ValidatingWebhookConfiguration of the same name gets caBundle.',
    false,
  ),
  nativeSidecar: oneOf(
    'Run sidecars as native sidecars (Kubernetes 1.29 or newer). auto asks the API server.',
    ['auto', 'on', 'off'],
    'auto',
  ),
  ownNamespace: string("Tandem's own namespace. Its pods are never injected.", 'NAME', undefined, {
    variables: ['POD_NAMESPACE'],
  }),
  ...shutdownDelayFlag('Seconds to keep serving after the readiness check begins to fail at shutdown.'),
  consulCaFile: string(
    "CA that signed Consul's certificate (PEM). It is read again when it changes.",
    'FILE',
    undefined,
  ),
  ...logLevelFlag,
  ...injectFlags,
};

export type WebhookValues = FlagValues<typeof webhookFlags>;

/** Rules between the flags; a sentence for each that is broken. */
export function webhookFlagProblems(values: WebhookValues): string[] {
  return [
    ...certificateProblems(values),
    ...injectFlagProblems(values),
    ...(values.consulCaFile !== undefined && values.consulCaPem !== undefined
      ? ['--consul-ca-file and --consul-ca-pem name the same CA; leave one of them out']
      : []),
  ];
}
