/** One row of a table, before it is known whether anybody sees it. */
import { byText } from '../model/instance.ts';
import { foreignText, markup, moment, type Markup } from './markup.ts';
import type { StatusRow } from './status.ts';
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
type Column = {
  readonly title: string;
  readonly kind: 'name' | 'state' | 'place' | 'text' | 'number' | 'time';
};

export type Table = {
  readonly id: string;
  readonly title: string;
  /** One row and many, in a sentence. */
  readonly nouns: readonly [string, string];
  /** What stands there when there is no row at all: why, and what to do. */
  readonly empty: Markup;
  readonly columns: readonly Column[];
  /** What was and is over, and not what is. */
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

/** A state in a word, and not by its colour alone. */
export function badge(state: RowState, text: string): Markup {
  return markup`<span class="badge ${state}">${text}</span>`;
}

/** A reason in words, and as logs and metrics have it. */
export function reasonText(meaning: string | undefined, code: string): Markup {
  return meaning === undefined ? foreignText(code) : markup`${meaning} <code>${code}</code>`;
}

/** Something of it does not work. */
export function isWrong({ problems, refused }: StatusRow): boolean {
  return problems.length > 0 || refused !== undefined;
}

/** What a table says of its rows beside what every row has. */
type RowLook = {
  readonly name: string;
  readonly isIn: boolean;
  /** Its state in a word. */
  readonly word: string;
  /** It is in, and there is nothing of it there yet. */
  readonly isWaiting?: boolean;
  /** Who refuses changes. */
  readonly refuser: string;
  /** What a search finds beside all that every row has. */
  readonly found: readonly (string | undefined)[];
  /** Cells between its state and the reason. */
  readonly places: () => readonly Markup[];
  readonly why: () => Markup;
};

export function statusRow(status: StatusRow, look: RowLook): Row {
  const { source, reason, problems, refused, since } = status;
  const { name, isIn, word, isWaiting = false, refuser, found, places, why } = look;
  const all = [...problems, ...(refused === undefined ? [] : [`${refuser} refused a change: ${refused}`])];
  const wrong = isWrong(status);
  return {
    key: source,
    name,
    states: [isIn ? 'in' : 'out', ...(wrong ? (['problem'] as const) : [])],
    since,
    text: [source, word, reason, ...found, ...all].join('\n'),
    cells: () => [
      foreignText(name),
      markup`${badge(isIn && !isWaiting ? 'in' : 'out', word)}${wrong ? markup` ${badge('problem', 'Problem')}` : undefined}`,
      ...places(),
      markup`${why()}${problemList(all, since)}`,
    ],
  };
}

/** Each of them, and since when there are any; nothing when there is none. */
function problemList(problems: readonly string[], since: string | undefined): Markup {
  if (problems.length === 0) return markup``;
  const items = problems.map((text) => markup`<li>${foreignText(text)}</li>`);
  return markup`<ul class="problems">${items}</ul>${since === undefined ? undefined : markup`<p class="since">since ${moment(since)}</p>`}`;
}

/** What is wrong comes first; the rest in the order of names. A row that moves has other markup, too. */
export function problemsFirst(rows: readonly Row[]): readonly Row[] {
  const rank = ({ states }: Row): number => (states.includes('problem') ? 0 : 1);
  return rows.toSorted((left, right) => rank(left) - rank(right) || byText(left.key, right.key));
}
