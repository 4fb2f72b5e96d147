/** A table of what a controller reconciles: one row for each object, those with problems first. */
import { byText } from '../model/instance.ts';
import { foreignText, markup, moment, type Markup } from './markup.ts';
import { badge, reasonText, type Column, type Row, type Table } from './row.ts';
import type { ControllerFacts, StatusRow } from './status.ts';

const ASK_LEADER = markup`Another replica is the leader, and only the leader knows. To see which one, run <code>kubectl get lease tandem-sync</code> in Tandem's namespace.`;
const NOT_YET = markup`Nothing is known yet: the first comparison is not done.`;

/** What a table shows of its rows beyond what every row has. */
type RowLook = {
  readonly name: string;
  readonly isIn: boolean;
  /** Its state in a word. */
  readonly word: string;
  /** It is synced, but there is nothing of it yet, or nothing new. */
  readonly isWaiting?: boolean;
  /** Who refuses changes. */
  readonly refuser: string;
  /** Of its reason. */
  readonly meaning: string | undefined;
  /** What a search finds beside all that every row has. */
  readonly found: readonly (string | undefined)[];
  /** Cells between its state and the reason. */
  readonly places: () => readonly Markup[];
  /** In the place of the reason alone. */
  readonly why?: () => Markup;
};

type TableLook<S extends TableStatus> = Pick<Table, 'id' | 'title' | 'nouns'> & {
  /** What to say when there is nothing to show. */
  readonly none: Markup;
  /** That of the name, and those of the places. */
  readonly columns: readonly [Column, ...Column[]];
  readonly lookOf: (row: S['rows'][number], status: S) => RowLook;
};

type TableStatus = Pick<ControllerFacts, 'lastSuccess'> & { readonly rows: readonly StatusRow[] };

export function statusTable<S extends TableStatus>({
  none,
  columns: [name, ...places],
  lookOf,
  ...table
}: TableLook<S>): (status: S, isLeader: boolean) => Table {
  return (status, isLeader) => ({
    ...table,
    empty: !isLeader ? ASK_LEADER : status.lastSuccess === undefined ? NOT_YET : none,
    columns: [
      name,
      { title: 'State', kind: 'state' },
      ...places,
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst(status.rows.map((row) => rowOf(row, lookOf(row, status)))),
  });
}

/** Something of it does not work. */
export function isWrong({ problems, refused }: StatusRow): boolean {
  return problems.length > 0 || refused !== undefined;
}

function rowOf(status: StatusRow, look: RowLook): Row {
  const { source, reason, problems, refused, since } = status;
  const { name, isIn, word, isWaiting = false, refuser, meaning, found, places, why } = look;
  const all = [...problems, ...(refused === undefined ? [] : [`${refuser} refused a change: ${refused}`])];
  const wrong = isWrong(status);
  return {
    key: source,
    name,
    states: [isIn ? 'in' : 'out', ...(wrong ? (['problem'] as const) : [])],
    since,
    text: [source, word, reason, meaning, ...found, ...all].join('\n'),
    cells: () => [
      foreignText(name),
      markup`${badge(isIn && !isWaiting ? 'in' : 'out', word)}${wrong ? markup` ${badge('problem', 'Problem')}` : undefined}`,
      ...places(),
      markup`${why?.() ?? reasonText(meaning, reason)}${problemList(all, since)}`,
    ],
  };
}

/** Each of them, and since when there are any; nothing when there is none. */
function problemList(problems: readonly string[], since: string | undefined): Markup {
  if (problems.length === 0) return markup``;
  const items = problems.map((text) => markup`<li>${foreignText(text)}</li>`);
  return markup`<ul class="problems">${items}</ul>${since === undefined ? undefined : markup`<p class="since">since ${moment(since)}</p>`}`;
}

/** Rows with problems come first, the rest by name. A row that moves has other markup, too. */
function problemsFirst(rows: readonly Row[]): readonly Row[] {
  const rank = ({ states }: Row): number => (states.includes('problem') ? 0 : 1);
  return rows.toSorted((left, right) => rank(left) - rank(right) || byText(left.key, right.key));
}
