/** `tandem explain config-entry KIND/NAMESPACE/NAME`: what the object says, and what Consul has. */
import { explainEntry, type EntryExplanation } from '../catalog/config-entries/explain-entry.ts';
import { withConsul } from './consul-access.ts';
import { readOwner } from './cluster-objects.ts';
import type { Context } from './context.ts';
import { plannedEntries } from './planned-entries.ts';

type Values = Parameters<typeof plannedEntries>[0] & { readonly owner: string | undefined };

/** @returns undefined when there is no such object. @throws TandemError when one side cannot be read */
export async function explainEntryOf(
  kind: string,
  place: string,
  files: readonly string[],
  values: Values,
  context: Context,
): Promise<EntryExplanation | undefined> {
  const { owner, objects } = await readOwner({ ...values, files }, context);
  return withConsul(values, context, async (consul) =>
    explainEntry(kind, place, await plannedEntries(values, objects, owner, consul, context)),
  );
}
