/** Compares what a reader has on the screen with the present state: only the rows that differ are sent. */
import type { TableView, View } from './view.ts';

/** What `/events` sends, as JSON. */
export type ViewChange = {
  /** Key → HTML of what differs and is no row. */
  readonly pieces: readonly (readonly [string, string])[];
  readonly tables: readonly TableChange[];
};

export type TableChange = {
  readonly id: string;
  /** Rows of the reader that are not listed are removed. */
  readonly isWhole: boolean;
  readonly remove: readonly string[];
  /** Key, HTML, and the key of the row below or null; each row comes after the one below it. */
  readonly put: readonly (readonly [string, string, string | null])[];
};

/**
 * Rows whose markup stays keep their order, as every table has it.
 *
 * @param before undefined: what the reader has is not known
 * @returns undefined when nothing differs
 */
export function changeOf(before: View | undefined, after: View): ViewChange | undefined {
  if (before?.id === after.id) return undefined;
  return {
    pieces: [...after.pieces].filter(([key, html]) => before?.pieces.get(key) !== html),
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
  const isWhole = before === undefined;
  if (!isWhole && remove.length === 0 && put.length === 0) return [];
  return [{ id: after.table.id, isWhole, remove, put }];
}
