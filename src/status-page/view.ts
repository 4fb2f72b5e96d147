/** What one reader sees of the status: the verdict, the facts, and of each table the rows that were asked for. */
import { createHash } from 'node:crypto';
import { admissionsTable } from './admissions-table.ts';
import { viewOfController } from './controller-views.ts';
import { count, counted, markup, type Markup } from './markup.ts';
import { cardsOf, type Card } from './facts.ts';
import { rowMarkup, type Row, type Table } from './row.ts';
import type { Status } from './status.ts';
import { troublesOf } from './troubles.ts';
import { verdictMarkup, verdictOf, type Verdict } from './verdict.ts';
import { addressOf, isFound, rowStates, type ViewQuery } from './view-query.ts';

export type View = {
  readonly verdict: Verdict;
  readonly cards: readonly Card[];
  readonly tables: readonly TableView[];
  /** Everything that is not a row: key → HTML. */
  readonly pieces: ReadonlyMap<string, string>;
  /** Equal views have equal ones. */
  readonly id: string;
};

export type TableView = {
  readonly table: Table;
  /** Key → HTML, in the order of the page. */
  readonly rows: ReadonlyMap<string, string>;
};

// A phone renders this many at once, and nobody reads more; a search looks at all of them.
const LIMIT = 500;
// What a browser lays out in seconds, and what is made of it here in a tenth of one.
const MOST = 10_000;

/** @param notReady why the process is not ready; undefined when it is */
export function viewOf(status: Status, notReady: string | undefined, query: ViewQuery): View {
  const all = tablesOf(status);
  const verdict = verdictOf(status, troublesOf(status, all, notReady));
  const cards = cardsOf(status, all, notReady);
  const named = new Map(all.map((table) => [table, table.rows.filter(({ text }) => isFound(text, query))]));
  const tables = all.map((table) => tableView(table, named.get(table) ?? [], query));
  const pieces = new Map([
    ['verdict', verdictMarkup(verdict).html],
    ...cards.flatMap(({ facts }) => facts.map(({ key, html }) => [key, html.html] as const)),
    ...counts([...named.values()].flat()),
    ...tables.map(({ table, note }) => [`note.${table.id}`, note.html] as const),
    ...tables.map(({ table, found }) => [`found.${table.id}`, count(found)] as const),
  ]);
  return { verdict, cards, tables, pieces, id: idOf(pieces, tables) };
}

/** Readers who look at the same status share its rows. */
const made = new WeakMap<Status, readonly Table[]>();

function tablesOf(status: Status): readonly Table[] {
  const tables = made.get(status) ?? makeTables(status);
  made.set(status, tables);
  return tables;
}

function makeTables({ process, controllers, webhook }: Status): readonly Table[] {
  const isLeader = process?.leader === true;
  return [
    ...controllers.flatMap((each) => viewOfController(each).table?.(each, isLeader) ?? []),
    ...(webhook === undefined ? [] : [admissionsTable(webhook)]),
  ];
}

/** How many rows each choice of a state would show. */
function counts(rows: readonly Row[]): readonly (readonly [string, string])[] {
  const ofStates = Object.keys(rowStates).map(
    (state) =>
      [
        `count.${state}`,
        count(rows.filter(({ states }) => states.some((each) => each === state)).length),
      ] as const,
  );
  return [['count.', count(rows.length)], ...ofStates];
}

function tableView(
  table: Table,
  named: readonly Row[],
  query: ViewQuery,
): TableView & { readonly note: Markup; readonly found: number } {
  const { state, isAll } = query;
  const found = state === undefined ? named : named.filter(({ states }) => states.includes(state));
  const shown = found.slice(0, isAll ? MOST : LIMIT);
  return {
    table,
    found: found.length,
    note: noteOf(table, found.length, shown.length, query),
    rows: new Map(shown.map((row) => [row.key, rowMarkup(row, table.columns).html])),
  };
}

/** How many rows are shown, and why not the others. */
function noteOf({ rows, nouns, empty }: Table, found: number, shown: number, query: ViewQuery): Markup {
  if (rows.length === 0) return empty;
  if (found === 0)
    return markup`None of ${counted(rows.length, nouns)} matches. <a href="?">Show everything</a>`;
  if (shown < found) {
    const first = markup`The first ${count(shown)} of ${counted(found, nouns)}; a search finds the others.`;
    if (query.isAll) return first;
    const more = found > MOST ? count(MOST) : `all ${count(found)}`;
    return markup`${first} <a href="${addressOf({ ...query, isAll: true })}">Show ${more}</a>`;
  }
  return found === rows.length
    ? markup`${counted(found, nouns)}`
    : markup`${count(found)} of ${counted(rows.length, nouns)} match`;
}

function idOf(pieces: ReadonlyMap<string, string>, tables: readonly TableView[]): string {
  const hash = createHash('sha256');
  for (const [key, html] of pieces) hash.update(`\0${key}\0${html}`);
  for (const { rows } of tables) for (const row of rows.values()) hash.update(row);
  return hash.digest('hex').slice(0, 16);
}
