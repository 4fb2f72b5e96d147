/** The flags of `tandem check`. */
import { kubeconfigFlag, leaseNamespaceFlag } from './common-flags.ts';
import { consulFlagProblems, consulFlags } from './consul-settings.ts';
import { oneOf, string } from './flag.ts';
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
    'Whose work this account is to do: what the others need is left out.',
    ['all', 'webhook', 'sync'],
    'all',
  ),
  webhookConfiguration: string('MutatingWebhookConfiguration of Tandem.', 'NAME', 'tandem-webhook'),
  tlsAutoSecret: string(
    'Secret and Lease that the replicas of the webhook share; empty when it has files.',
    'NAME',
    'tandem-webhook-tls',
  ),
  proxyMode: injectFlags.proxyMode,
  registrar: registrarFlags.registrar,
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
