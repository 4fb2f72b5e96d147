/** A queue of groups that take turns: a group with many items delays only its own. */

type Turns = {
  /** An item that waits already keeps its place. */
  readonly add: (group: string, key: string) => void;
  /** False when it does not wait. */
  readonly remove: (group: string, key: string) => boolean;
  /** Removes and returns the next one; undefined when there is none. */
  readonly take: () => readonly [group: string, key: string] | undefined;
};

export function createTurns(): Turns {
  // The first group is the next one.
  const groups = new Map<string, Set<string>>();

  const remove = (group: string, key: string): boolean => {
    const waiting = groups.get(group);
    if (waiting?.delete(key) !== true) return false;
    if (waiting.size === 0) groups.delete(group);
    return true;
  };

  return {
    add: (group, key) => {
      const waiting = groups.get(group);
      if (waiting === undefined) groups.set(group, new Set([key]));
      else waiting.add(key);
    },
    remove,
    take: () => {
      const [first] = groups;
      const [key] = first?.[1] ?? [];
      if (first === undefined || key === undefined) return undefined;
      const [group, waiting] = first;
      groups.delete(group);
      waiting.delete(key);
      if (waiting.size > 0) groups.set(group, waiting);
      return [group, key];
    },
  };
}
