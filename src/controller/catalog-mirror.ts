/** What Consul has on the node of the sync, as the last read and our own writes since then say. */
import { indexed, ownerOf, sourceOf, type Instance, type ObservedInstance } from '../catalog/instance.ts';

export type CatalogMirror = {
  /** After a whole read. */
  readonly replace: (observed: readonly ObservedInstance[]) => void;
  /** After a write that Consul applied. */
  readonly written: (instance: Instance) => void;
  readonly removed: (id: string) => void;
  /** What a plan for one source compares with: all of this source, and whoever holds one of the wanted ids. */
  readonly concerning: (source: string, desired: readonly Instance[]) => readonly ObservedInstance[];
  /** Those of our owner by which something is registered. */
  readonly ownedSources: () => Iterable<string>;
  readonly owned: () => number;
  readonly foreign: () => number;
};

/** @param node name of the node, given to instances of our own writes */
export function createCatalogMirror(owner: string, node: string): CatalogMirror {
  const byId = new Map<string, ObservedInstance>();
  const bySource = new Map<string, Map<string, ObservedInstance>>();
  let owned = 0;

  const remove = (key: string): void => {
    const present = byId.get(key);
    if (present === undefined) return;
    byId.delete(key);
    if (ownerOf(present) !== owner) return;
    owned -= 1;
    const source = sourceOf(present);
    const held = bySource.get(source);
    held?.delete(key);
    if (held?.size === 0) bySource.delete(source);
  };
  const add = (instance: ObservedInstance): void => {
    const key = indexed(instance.id);
    remove(key);
    byId.set(key, instance);
    if (ownerOf(instance) !== owner) return;
    owned += 1;
    const source = sourceOf(instance);
    const held = bySource.get(source);
    if (held === undefined) bySource.set(source, new Map([[key, instance]]));
    else held.set(key, instance);
  };

  return {
    replace: (observed) => {
      byId.clear();
      bySource.clear();
      owned = 0;
      for (const instance of observed) add(instance);
    },
    written: (instance) => {
      const otherChecks = byId.get(indexed(instance.id))?.otherChecks ?? [];
      add({ ...instance, node, kind: '', warningWeight: 1, otherChecks });
    },
    removed: (id) => remove(indexed(id)),
    concerning: (source, desired) => {
      const found = new Map(bySource.get(source));
      for (const { id } of desired) {
        const holder = byId.get(indexed(id));
        if (holder !== undefined) found.set(indexed(id), holder);
      }
      return [...found.values()];
    },
    ownedSources: () => bySource.keys(),
    owned: () => owned,
    foreign: () => byId.size - owned,
  };
}
