/** The flags of `tandem check`. */
import { kubeconfigFlag, leaseNamespaceFlag } from './common-flags.ts';
import { configEntryFlags } from './config-entry-flags.ts';
import { consulFlagProblems, consulFlags } from './consul-settings.ts';
import { oneOf, string } from './flag.ts';
import { redirectWays } from '../inject/settings.ts';
import { injectFlags } from './inject-settings.ts';
import { namingFlags } from './naming-settings.ts';
import type { FlagValues } from './parse-flags.ts';
import { registrarFlags } from './registrar-flags.ts';
import { toConsulFlags } from './sync-settings.ts';
import { toK8sFlagProblems, toK8sFlags } from './to-k8s-flags.ts';

export const checkFlags = {
  ...kubeconfigFlag,
  output: oneOf('Form of the findings.', ['text', 'json'], 'text'),
  account: oneOf(
    'Which process the account is for. Only the rights of that process are checked.',
    ['all', 'webhook', 'sync'],
    'all',
  ),
  webhookConfiguration: string("Tandem's MutatingWebhookConfiguration.", 'NAME', 'tandem-webhook'),
  tlsAutoSecret: string(
    'Secret and Lease that the webhook replicas share. Empty if the certificate is in files.',
    'NAME',
    'tandem-webhook-tls',
  ),
  proxyMode: injectFlags.proxyMode,
  redirection: oneOf(
    'With transparent proxy, who redirects. auto: the redirectors, if there are any.',
    ['auto', ...redirectWays],
    'auto',
  ),
  sidecarProxyMemoryLimit: injectFlags.sidecarProxyMemoryLimit,
  registrar: registrarFlags.registrar,
  configEntries: configEntryFlags.configEntries,
  configEntriesAdopt: configEntryFlags.configEntriesAdopt,
  consulPrimaryDatacenter: configEntryFlags.consulPrimaryDatacenter,
  deletePodTokens: registrarFlags.deletePodTokens,
  ...namingFlags,
  ...leaseNamespaceFlag,
  ...toK8sFlags,
  ...toConsulFlags,
  ...consulFlags,
};

export type CheckValues = FlagValues<typeof checkFlags>;

/** Rules between the flags; a sentence for each that is broken. */
export function checkFlagProblems(values: CheckValues): string[] {
  return [...consulFlagProblems(values), ...toK8sFlagProblems(values)];
}
