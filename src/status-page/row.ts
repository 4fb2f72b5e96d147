/** One row of a table, before it is known whether anybody sees it. */
import { markup, type Markup } from './markup.ts';
import type { RowState } from './view-query.ts';

export type Row = {
  /** Of this row and no other one of its table. */
  readonly key: string;
  readonly states: readonly RowState[];
  /** What a search looks at. */
  readonly text: string;
  readonly cells: () => readonly Markup[];
};

export type Table = {
  readonly id: string;
  readonly title: string;
  /** One row and many, in a sentence. */
  readonly nouns: readonly [string, string];
  /** What stands there when there is no row at all. */
  readonly empty: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
};

/** The roles are written out: a browser drops them from a table that the style shows as cards. */
export function rowMarkup(row: Row, columns: readonly string[]): Markup {
  const [head, ...cells] = row.cells();
  return markup`<tr role="row" data-key="${row.key}"><th role="rowheader" scope="row">${head}</th>${cells.map(
    (cell, at) => markup`<td role="cell" data-label="${columns[at + 1]}">${cell}</td>`,
  )}</tr>`;
}

/** A state in a word, and not by its colour alone. */
export function badge(state: RowState, text: string): Markup {
  return markup`<span class="badge ${state}">${text}</span>`;
}
