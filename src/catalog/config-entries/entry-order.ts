/**
 * The order of changes: what others need is written first and removed last. It is a good first guess, not a proof, so what Consul
 * refuses is tried again after everything else, as long as that gets anywhere.
 */
import type { EntryChange } from './entry-plan.ts';

/** Changes of one step need not wait for each other. */
export function inSteps(changes: readonly EntryChange[]): readonly (readonly EntryChange[])[] {
  const groups = Map.groupBy(changes, stepOf);
  return [...groups].toSorted(([left], [right]) => left - right).map(([, group]) => group);
}

// More than there are kinds.
const REMOVALS = 1000;

/** Writes by rank, and then removals by rank from the last. */
function stepOf({ action, kind: { writeRank } }: EntryChange): number {
  return action === 'delete' ? REMOVALS - writeRank : writeRank;
}
