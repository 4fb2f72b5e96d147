/** Which changes of a plan are tried now: no namespace makes the others wait for everything that it has. */
import { inSteps } from '../catalog/config-entries/entry-order.ts';
import { waitsFor, type EntryChange, type EntryPlan } from '../catalog/config-entries/entry-plan.ts';
import { fewFirst } from '../reconcile/few-first.ts';
import { namespaceOfChange, refusedChange, type EntryMemory } from './entry-memory.ts';

type DueEntries = {
  readonly now: readonly EntryChange[];
  /** To be planned again at once. */
  readonly left: readonly EntryChange[];
};

// Half a second, since Consul takes about 250 a second on two cores: then it is the turn of what was asked for meanwhile.
const AT_ONCE = 128;

/** Changes on which Consul has not answered yet, and a few that it has refused. */
export function dueEntries({ objects, writes, removals }: EntryPlan, memory: EntryMemory): DueEntries {
  const changes = inSteps([...writes, ...removals]).flat();
  const named = objects.flatMap(({ entry }) => (entry === undefined ? [] : [entry.key]));
  // A removal that waits for a write comes with it, and is never due by itself.
  const free = changes.filter((change) => waitsFor(change) === undefined);
  memory.retain(new Set(named), new Set(free.map(({ key }) => key)));
  const isRefused = (change: EntryChange): boolean =>
    memory.refusalOf(change.key, refusedChange(change)) !== undefined;
  const first = fewFirst(
    free.filter((change) => !isRefused(change)),
    namespaceOfChange,
  );
  const chosen = [...first.slice(0, AT_ONCE), ...memory.again(free.filter(isRefused))];
  const keys = new Set(chosen.map(({ key }) => key));
  const following = changes.filter((change) => keys.has(waitsFor(change) ?? ''));
  return { now: [...chosen, ...following], left: first.slice(AT_ONCE) };
}
