/** The flags of config entries, in `tandem sync`, `plan` and `explain`. */
import { policies } from '../catalog/to-consul/policy.ts';
import { boolean, list, oneOf, string } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';

export const configEntryFlags = {
  configEntries: boolean(
    'Write custom resources of consul.hashicorp.com, such as ServiceIntentions, to Consul as config entries.',
    false,
  ),
  configEntriesNamespaces: list(
    'Namespaces whose custom resources have an effect. * means all. Whoever may create ServiceIntentions in one of them controls every service of the mesh.',
    'NAMES',
    ['*'],
  ),
  configEntriesAdopt: boolean(
    'Take over config entries that consul-k8s wrote for this datacenter, and remove its finalizer from objects that are being deleted.',
    false,
  ),
  configEntriesPolicy: oneOf(
    'What may change in Consul. sync: everything. upsert-only: no removals. create-only: no updates and no removals.',
    policies,
    'sync',
  ),
  consulPrimaryDatacenter: string(
    "Datacenter that keeps the config entries. Default: the server's primary datacenter.",
    'NAME',
    undefined,
  ),
};

type ConfigEntryValues = FlagValues<typeof configEntryFlags>;

/** Rules between the flags; a sentence for each that is broken. */
export function configEntryFlagProblems({
  configEntries,
  configEntriesAdopt,
}: Pick<ConfigEntryValues, 'configEntries' | 'configEntriesAdopt'>): string[] {
  return configEntriesAdopt && !configEntries
    ? ['--config-entries-adopt is for --config-entries; set both, or leave this out']
    : [];
}

/** The settings that decide about config entries. @param datacenter that keeps them */
export function entrySettings(
  values: Omit<ConfigEntryValues, 'configEntries'>,
  owner: string,
  datacenter: string,
) {
  return {
    owner,
    datacenter,
    adopt: values.configEntriesAdopt,
    policy: values.configEntriesPolicy,
    allowNamespaces: values.configEntriesNamespaces,
  };
}

/** From the flags; Consul is asked for what is undefined. */
export function knownDatacenters({
  consulDatacenter: datacenter,
  consulPrimaryDatacenter: primaryDatacenter,
}: Pick<ConfigEntryValues, 'consulPrimaryDatacenter'> & { readonly consulDatacenter: string | undefined }) {
  return { datacenter, primaryDatacenter };
}
