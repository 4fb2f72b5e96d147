/** From what a reader has on the screen to what there is now: only the rows that differ. */
import type { TableView, View } from './view.ts';

/** What `/events` sends, as JSON. */
export type ViewChange = {
  /** Undefined when they are the same. */
  readonly facts: string | undefined;
  readonly tables: readonly TableChange[];
};

export type TableChange = {
  readonly id: string;
  readonly note: string;
  /** All rows of the reader go first. */
  readonly isWhole: boolean;
  readonly remove: readonly string[];
  /** Key, HTML, and the key of the row below or null; each row comes after the one below it. */
  readonly put: readonly (readonly [string, string, string | null])[];
};

/**
 * Rows that stay keep their order, which both tables do: one is in the order of names, the other of time.
 *
 * @param before undefined: what the reader has is not known
 * @returns undefined when nothing differs
 */
export function changeOf(before: View | undefined, after: View): ViewChange | undefined {
  if (before?.id === after.id) return undefined;
  return {
    facts: before?.facts === after.facts ? undefined : after.facts,
    tables: after.tables.flatMap((table, at) => tableChange(before?.tables[at], table)),
  };
}

function tableChange(before: TableView | undefined, after: TableView): readonly TableChange[] {
  const remove = [...(before?.rows.keys() ?? [])].filter((key) => !after.rows.has(key));
  const put: [string, string, string | null][] = [];
  let below: string | null = null;
  for (const [key, html] of [...after.rows].toReversed()) {
    if (before?.rows.get(key) !== html) put.push([key, html, below]);
    below = key;
  }
  const isSame = before?.note === after.note && remove.length === 0 && put.length === 0;
  if (isSame) return [];
  return [{ id: after.table.id, note: after.note, isWhole: before === undefined, remove, put }];
}
