/** Lists for people that end in how many more there are. */

/** `a, b and 3 more`: the first names, at most this many, and the number of the others. */
export function listed(names: readonly string[], most: number): string {
  const left = names.length - most;
  return left <= 0 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${left} more`;
}

/**
 * The first items, at most this many, each as `show` makes it, and of the others the one line that `more` makes of their
 * number.
 */
export function firstOf<Item, Shown>(
  items: readonly Item[],
  most: number,
  show: (item: Item) => Shown,
  more: (left: number) => Shown,
): readonly Shown[] {
  const left = items.length - most;
  const shown = items.slice(0, most).map(show);
  return left <= 0 ? shown : [...shown, more(left)];
}
