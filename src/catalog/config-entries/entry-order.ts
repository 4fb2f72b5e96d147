/**
 * The order of changes: what others need is written first and removed last. It is a good first guess, not a proof, so what Consul
 * refuses is tried again after everything else, as long as that makes progress.
 */
import { ENTRY_KINDS } from './entry-kinds.ts';
import type { EntryChange } from './entry-plan.ts';

/** Changes of one step need not wait for each other. */
export function inSteps(changes: readonly EntryChange[]): readonly (readonly EntryChange[])[] {
  const groups = Map.groupBy(changes, stepOf);
  return [...groups].toSorted(([left], [right]) => left - right).map(([, group]) => group);
}

/** Writes in the order of the table, and then removals from its end. */
function stepOf({ action, kind }: EntryChange): number {
  const rank = ENTRY_KINDS.indexOf(kind);
  return action === 'delete' ? 2 * ENTRY_KINDS.length - rank : rank;
}
