/** What one reader sees of the status: the facts, and of each table the rows that were asked for. */
import { createHash } from 'node:crypto';
import { admissionsTable } from './admissions-table.ts';
import { count, factsMarkup } from './facts.ts';
import { markup, type Markup } from './markup.ts';
import { rowMarkup, type Table } from './row.ts';
import { servicesTable } from './services-table.ts';
import type { Status } from './status.ts';
import { addressOf, matcher, type ViewQuery } from './view-query.ts';

export type View = {
  readonly facts: string;
  readonly tables: readonly TableView[];
  /** Equal views have equal ones. */
  readonly id: string;
};

export type TableView = {
  readonly table: Table;
  /** How many rows are shown, and why not the others. */
  readonly note: string;
  /** Key → HTML, in the order of the page. */
  readonly rows: ReadonlyMap<string, string>;
};

// A phone lays out this many in a blink, and nobody reads on; a search looks at all of them.
const LIMIT = 500;

export function viewOf(status: Status, notReady: string | undefined, query: ViewQuery): View {
  const facts = factsMarkup(status, notReady).html;
  const tables = [
    ...(status.sync === undefined ? [] : [servicesTable(status.sync)]),
    ...(status.webhook === undefined ? [] : [admissionsTable(status.webhook)]),
  ].map((table) => tableView(table, query));
  return { facts, tables, id: idOf(facts, tables) };
}

function tableView(table: Table, query: ViewQuery): TableView {
  const isWanted = matcher(query);
  const found = table.rows.filter(({ text, states }) => isWanted(text, states));
  const shown = query.isAll ? found : found.slice(0, LIMIT);
  return {
    table,
    note: noteOf(table, found.length, shown.length, query).html,
    rows: new Map(shown.map((row) => [row.key, rowMarkup(row, table.columns).html])),
  };
}

function noteOf({ rows, nouns, empty }: Table, found: number, shown: number, query: ViewQuery): Markup {
  const named = (number: number): string => `${count(number)} ${nouns[number === 1 ? 0 : 1]}`;
  if (rows.length === 0) return markup`${empty}`;
  if (shown < found) {
    const all = addressOf({ ...query, isAll: true });
    return markup`The first ${count(shown)} of ${named(found)}; a search finds the others. <a href="${all}">Show all ${count(found)}</a>`;
  }
  return found === rows.length
    ? markup`${named(found)}`
    : markup`${count(found)} of ${named(rows.length)} match`;
}

function idOf(facts: string, tables: readonly TableView[]): string {
  const hash = createHash('sha256').update(facts);
  for (const { note, rows } of tables) {
    hash.update(`\0${note}`);
    for (const row of rows.values()) hash.update(row);
  }
  return hash.digest('hex').slice(0, 16);
}
