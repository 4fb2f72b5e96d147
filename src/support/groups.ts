/** Values by key, in groups: a group is there for as long as it holds something. */
type Groups<T> = {
  readonly names: () => Iterable<string>;
  readonly has: (group: string) => boolean;
  /** What is in a group, by key; empty for one that is not there. */
  readonly of: (group: string) => ReadonlyMap<string, T>;
  readonly put: (group: string, key: string, value: T) => void;
  readonly remove: (group: string, key: string) => void;
  readonly clear: () => void;
};

export function createGroups<T>(): Groups<T> {
  const groups = new Map<string, Map<string, T>>();
  const none: ReadonlyMap<string, T> = new Map();
  return {
    names: () => groups.keys(),
    has: (group) => groups.has(group),
    of: (group) => groups.get(group) ?? none,
    put: (group, key, value) => {
      const held = groups.get(group);
      if (held === undefined) groups.set(group, new Map([[key, value]]));
      else held.set(key, value);
    },
    remove: (group, key) => {
      const held = groups.get(group);
      held?.delete(key);
      if (held?.size === 0) groups.delete(group);
    },
    clear: () => groups.clear(),
  };
}
