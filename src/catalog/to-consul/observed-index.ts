/** What Consul has on the sync node, kept so that the plan of one Service reads that Service only. */
import {
  indexed,
  isOnNode,
  ownerOf,
  sourceOf,
  type Instance,
  type ObservedInstance,
} from '../../model/instance.ts';
import { createGroups } from '../../support/groups.ts';
import type { Scope } from './consul-plan.ts';
import type { Change } from './transactions.ts';

export type ObservedIndex = {
  /** Forgets everything and takes a full read. */
  readonly replace: (instances: readonly ObservedInstance[]) => void;
  /** After a transaction that succeeded, without waiting for the next read. */
  readonly record: (changes: readonly Change[]) => void;
  /**
   * All that a plan of these sources has to see: what was made from them, and whatever is under an id that is wanted.
   * Without the latter, an instance of somebody else would be overwritten.
   */
  readonly forPlan: (sources: Iterable<string>, desired: readonly Instance[]) => readonly ObservedInstance[];
  /** Of the sources that the owner has instances of. */
  readonly sources: () => readonly string[];
  /** Number of instances of the owner, and of all others on the node. */
  readonly owned: () => number;
  readonly foreign: () => number;
};

export function createObservedIndex({ owner, node }: Scope): ObservedIndex {
  const byId = new Map<string, ObservedInstance>();
  /** Of the owner only. */
  const bySource = createGroups<true>();
  let owned = 0;

  function remove(id: string): void {
    const key = indexed(id);
    const instance = byId.get(key);
    if (instance === undefined) return;
    byId.delete(key);
    if (ownerOf(instance) !== owner) return;
    owned -= 1;
    bySource.remove(sourceOf(instance), key);
  }

  function put(instance: ObservedInstance): void {
    if (!isOnNode(instance, node)) return;
    remove(instance.id);
    const key = indexed(instance.id);
    byId.set(key, instance);
    if (ownerOf(instance) !== owner) return;
    owned += 1;
    bySource.put(sourceOf(instance), key, true);
  }

  function record(change: Change): void {
    if (change.action === 'deregister') {
      // An adoption removes on other nodes too.
      if (isOnNode(change.instance, node)) remove(change.instance.id);
      return;
    }
    const otherChecks = byId.get(indexed(change.instance.id))?.otherChecks ?? [];
    put({ ...change.instance, node, kind: '', warningWeight: 1, otherChecks });
  }

  return {
    record: (changes) => changes.forEach(record),
    replace: (instances) => {
      byId.clear();
      bySource.clear();
      owned = 0;
      for (const instance of instances) put(instance);
    },
    forPlan: (sources, desired) => {
      const keys = new Set([...sources].flatMap((source) => [...bySource.of(source).keys()]));
      for (const { id } of desired) keys.add(indexed(id));
      return [...keys].flatMap((key) => byId.get(key) ?? []);
    },
    sources: () => [...bySource.names()],
    owned: () => owned,
    foreign: () => byId.size - owned,
  };
}
