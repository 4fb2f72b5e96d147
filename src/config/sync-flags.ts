/** The flags of `tandem sync`. */
import {
  kubeconfigFlag,
  leaseNamespaceFlag,
  logLevelFlag,
  shutdownDelayFlag,
  statusListenFlag,
} from './common-flags.ts';
import { configEntryFlagProblems, configEntryFlags } from './config-entry-flags.ts';
import { consulFlagProblems, consulFlags } from './consul-settings.ts';
import { boolean, integer, list, string } from './flag.ts';
import { namingFlags } from './naming-settings.ts';
import type { FlagValues } from './parse-flags.ts';
import { registrarFlagProblems, registrarFlags } from './registrar-flags.ts';
import { toConsulFlags } from './sync-settings.ts';
import { toK8sFlagProblems, toK8sFlags } from './to-k8s-flags.ts';

export const syncFlags = {
  ...kubeconfigFlag,
  ...statusListenFlag('0.0.0.0'),
  leaderElection: boolean('With several replicas, let only the one that holds the Lease write.', true),
  ...leaseNamespaceFlag,
  ...shutdownDelayFlag(
    'With --leader-election: seconds that the leader keeps leading at shutdown; a drain deletes pods, too.',
  ),
  resync: integer('Seconds between full comparisons.', 'SECONDS', 600, { min: 10, max: 86_400 }),
  adopt: boolean(
    'Take over from an earlier syncer: register the new instances first, then remove the old ones.',
    false,
  ),
  adoptNodes: list('Consul nodes of the earlier syncer.', 'NAMES', ['k8s-sync']),
  dryRun: boolean('Report what would change, and write nothing.', false),
  once: boolean('Exit when both sides agree.', false),
  purge: string(
    'Remove everything of this owner from Consul, then exit. Repeat the owner to confirm.',
    'OWNER',
    undefined,
  ),
  ...registrarFlags,
  ...namingFlags,
  ...logLevelFlag,
  ...toK8sFlags,
  ...toConsulFlags,
  ...configEntryFlags,
  ...consulFlags,
};

export type SyncValues = FlagValues<typeof syncFlags>;

/** Rules between the flags; a sentence for each that is broken. */
export function syncFlagProblems(values: SyncValues): string[] {
  return [
    ...consulFlagProblems(values),
    ...toK8sFlagProblems(values),
    ...purgeProblems(values),
    ...delayProblems(values),
    ...registrarFlagProblems(values),
    ...configEntryFlagProblems(values),
  ];
}

function delayProblems({ shutdownDelay, leaderElection }: SyncValues): string[] {
  return shutdownDelay > 0 && !leaderElection
    ? ['--shutdown-delay is for --leader-election, and nobody leads without it; set it, or leave this out']
    : [];
}

function purgeProblems(values: SyncValues): string[] {
  return values.purge !== undefined && (values.dryRun || values.once)
    ? ['--purge cannot be combined with --dry-run or --once']
    : [];
}
