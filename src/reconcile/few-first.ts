/** Whoever makes much at once waits for those who make little. */

/** In an order in which the group with the fewest comes first; within a group nothing changes. */
export function fewFirst<T>(items: readonly T[], groupOf: (item: T) => string): readonly T[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(groupOf(item), (counts.get(groupOf(item)) ?? 0) + 1);
  const countOf = (item: T): number => counts.get(groupOf(item)) ?? 0;
  return items.toSorted((left, right) => countOf(left) - countOf(right));
}
