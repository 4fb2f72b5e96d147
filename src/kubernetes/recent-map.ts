/** A map of bounded size, in groups: the largest group makes room, so that no group forgets because of another. */

type RecentGroups<V> = {
  readonly get: (group: string, key: string) => V | undefined;
  readonly set: (group: string, key: string, value: V) => void;
};

/**
 * Of a group, the entry that was not set for longest is forgotten first.
 *
 * @param onForgotten called with what had to make room
 */
export function recentGroups<V>(
  limit: number,
  onForgotten: (group: string, key: string) => void = () => undefined,
): RecentGroups<V> {
  // A Map keeps the order of insertion, so its first key is the one that was not set for longest.
  const groups = new Map<string, Map<string, V>>();
  let size = 0;

  const forgetOne = (): void => {
    const [largest] = [...groups].toSorted(([, left], [, right]) => right.size - left.size);
    const [oldest] = largest?.[1].keys() ?? [];
    if (largest === undefined || oldest === undefined) return;
    const [group, held] = largest;
    held.delete(oldest);
    if (held.size === 0) groups.delete(group);
    size -= 1;
    onForgotten(group, oldest);
  };

  return {
    get: (group, key) => groups.get(group)?.get(key),
    set: (group, key, value) => {
      const held = groups.get(group) ?? new Map<string, V>();
      groups.set(group, held);
      if (!held.delete(key)) size += 1;
      held.set(key, value);
      if (size > limit) forgetOne();
    },
  };
}
