/** The Services of the cluster: which are synced, which are left out and why, and what is wrong with them. */
import { skipReasons, syncReasons } from '../catalog/to-consul/decide.ts';
import { foreignText, markup, type Markup } from './markup.ts';
import { badge, type Row, type Table } from './row.ts';
import type { SourceState, SyncStatus } from './status.ts';
import type { RowState } from './view-query.ts';

const meanings: ReadonlyMap<string, string> = new Map(Object.entries({ ...skipReasons, ...syncReasons }));

export function servicesTable({ leader, sources }: SyncStatus): Table {
  return {
    id: 'services',
    title: 'Services',
    nouns: ['Service', 'Services'],
    empty: leader ? 'There is no Service.' : 'The replica that leads knows the Services.',
    columns: ['Service', 'State', 'Why', 'Instances', 'Problems'],
    rows: sources.map(rowOf),
  };
}

/** In which filters a Service is found. */
export function statesOf({ synced, problems, refused }: SourceState): readonly RowState[] {
  const isProblem = problems.length > 0 || refused !== undefined;
  return [synced ? 'in' : 'out', ...(isProblem ? (['problem'] as const) : [])];
}

function rowOf(state: SourceState): Row {
  const { source, reason, problems, refused } = state;
  const why = meanings.get(reason) ?? reason;
  return {
    key: source,
    states: statesOf(state),
    text: [source, reason, why, ...problems, refused ?? ''].join('\n'),
    cells: () => cellsOf(state, why),
  };
}

function cellsOf(state: SourceState, why: string): readonly Markup[] {
  const { source, synced, reason, instances } = state;
  const states = statesOf(state);
  return [
    foreignText(source.replace(/^Service\//, '')),
    markup`${synced ? badge('in', 'Synced') : badge('out', 'Left out')}${
      states.includes('problem') ? markup` ${badge('problem', 'Problem')}` : undefined
    }`,
    markup`<span title="${reason}">${why}</span>`,
    markup`${instances}`,
    problemList(state),
  ];
}

function problemList({ problems, refused }: SourceState): Markup {
  const all = [...problems, ...(refused === undefined ? [] : [`Consul refused a change: ${refused}`])];
  if (all.length === 0) return markup`<span class="none">none</span>`;
  return markup`<ul>${all.map((text) => markup`<li>${foreignText(text)}</li>`)}</ul>`;
}
