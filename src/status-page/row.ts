/** One row of a table, before it is known whether anybody sees it. */
import { foreignText, markup, type Markup } from './markup.ts';
import type { RowState } from './view-query.ts';

export type Row = {
  /** Of this row and no other one of its table. */
  readonly key: string;
  /** As people call it. */
  readonly name: string;
  readonly states: readonly RowState[];
  /** Since when something is wrong with it: ISO 8601, UTC. */
  readonly since: string | undefined;
  /** What a search looks at. */
  readonly text: string;
  readonly cells: () => readonly Markup[];
};

/** The kind gives a column its width and its alignment. */
export type Column = {
  readonly title: string;
  readonly kind: 'name' | 'state' | 'place' | 'text' | 'number' | 'time';
};

export type Table = {
  readonly id: string;
  readonly title: string;
  /** One row and many, in a sentence. */
  readonly nouns: readonly [string, string];
  /** The text when there is no row at all: why, and what to do. */
  readonly empty: Markup;
  readonly columns: readonly Column[];
  /** The row is about something that is over. */
  readonly isHistory: boolean;
  readonly rows: readonly Row[];
};

/** The roles are written out: a browser drops them from a table that the style shows as cards. */
export function rowMarkup(row: Row, columns: readonly Column[]): Markup {
  const [head, ...cells] = row.cells();
  const isProblem = row.states.includes('problem');
  return markup`<tr role="row" data-key="${row.key}"${isProblem ? markup` class="wrong"` : undefined}><th role="rowheader" scope="row">${head}</th>${cells.map(
    (cell, at) =>
      markup`<td role="cell" class="${columns[at + 1]?.kind}" data-label="${columns[at + 1]?.title}"><div>${cell}</div></td>`,
  )}</tr>`;
}

/** A state in a word, not only by its colour. */
export function badge(state: RowState, text: string): Markup {
  return markup`<span class="badge ${state}">${text}</span>`;
}

/** A reason in words, and as logs and metrics have it. */
export function reasonText(meaning: string | undefined, code: string): Markup {
  return meaning === undefined ? foreignText(code) : markup`${meaning} <code>${code}</code>`;
}
