/** The table of kinds. Nothing outside of it knows a kind by its name, except the rules that its rows list as functions. */
import type { EntryKind } from './entry-table.ts';
import { serviceIntentions } from './intentions-kind.ts';
import { serviceDefaults } from './service-defaults-kind.ts';

/** Group and version of the custom resources. */
export const ENTRY_GROUP = 'consul.hashicorp.com';
export const ENTRY_VERSION = 'v1alpha1';

export const ENTRY_KINDS: readonly EntryKind[] = [serviceDefaults, serviceIntentions];

const byName: ReadonlyMap<string, EntryKind> = new Map(
  ENTRY_KINDS.flatMap((each) => [
    [each.kind, each],
    [each.entryKind, each],
  ]),
);

/** @param name of the custom resource, `ServiceIntentions`, or of Consul, `service-intentions`; undefined for any other */
export function entryKindOf(name: string): EntryKind | undefined {
  return byName.get(name);
}
