/** The result of operations on one list or map: its old elements by position, and new ones between them. */

/** An element of the old text, or a value that an operation brought. */
export type Element =
  { readonly kind: 'old'; readonly index: number } | { readonly kind: 'new'; readonly value: unknown };

/** A place in the old collection at which values are inserted: before the element `before`, or at the end. */
export type Insertion = { readonly before: number | undefined; readonly values: readonly unknown[] };

export type CollectionChange = {
  readonly insertions: readonly Insertion[];
  /** Runs of removed elements, `[first, last]`, both inclusive. */
  readonly removals: readonly (readonly [number, number])[];
};

export function oldElements(size: number): Element[] {
  return Array.from({ length: size }, (_, index) => ({ kind: 'old', index }));
}

/** @param size how many elements the old collection has */
export function changeOfCollection(size: number, elements: readonly Element[]): CollectionChange {
  const insertions: Insertion[] = [];
  const kept = new Set<number>();
  let pending: unknown[] = [];
  for (const element of elements) {
    if (element.kind === 'new') {
      pending.push(element.value);
    } else {
      if (pending.length > 0) insertions.push({ before: element.index, values: pending });
      pending = [];
      kept.add(element.index);
    }
  }
  if (pending.length > 0) insertions.push({ before: undefined, values: pending });
  return {
    insertions,
    removals: runs(Array.from({ length: size }, (_, index) => index).filter((index) => !kept.has(index))),
  };
}

function runs(indices: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const index of indices) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else found.push([index, index]);
  }
  return found;
}
