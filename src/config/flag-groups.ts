/** The flags that several commands share, by subject: `--help` names them, and docs/flags.md describes each group once. */
import { configEntryFlags } from './config-entry-flags.ts';
import { aclFlags } from './acl-flags.ts';
import { consulFlags } from './consul-settings.ts';
import { injectFlags } from './inject-settings.ts';
import { namingFlags } from './naming-settings.ts';
import type { Flags } from './parse-flags.ts';
import { toConsulFlags } from './sync-settings.ts';
import { toK8sFlags } from './to-k8s-flags.ts';

export type FlagGroup = {
  /** Completes "Flags for …". */
  readonly subject: string;
  readonly flags: Flags;
};

export const flagGroups: readonly FlagGroup[] = [
  { subject: 'Kubernetes to Consul', flags: toConsulFlags },
  { subject: 'Consul to Kubernetes', flags: toK8sFlags },
  { subject: 'injection', flags: injectFlags },
  { subject: 'names of injected pods', flags: namingFlags },
  { subject: 'entries', flags: configEntryFlags },
  { subject: 'access to Consul', flags: consulFlags },
  { subject: 'ACLs of Consul', flags: aclFlags },
];

/** Keys of the group's flags that a command has. A flag of its own with the same name is another flag. */
export function keysOfGroup(group: FlagGroup, flags: Flags): readonly string[] {
  return Object.keys(group.flags).filter((key) => flags[key] === group.flags[key]);
}

/** The flags of a command that are in no group. */
export function ownFlags(flags: Flags): Flags {
  const shared = new Set(flagGroups.flatMap((group) => keysOfGroup(group, flags)));
  return Object.fromEntries(Object.entries(flags).filter(([key]) => !shared.has(key)));
}
