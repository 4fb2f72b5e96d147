/** The newest admissions: which pods were injected, and why the others were not. */
import { skipReasons } from '../inject/result.ts';
import { foreignText, markup, moment, type Markup } from './markup.ts';
import { badge, type Row, type Table } from './row.ts';
import type { Admission, WebhookStatus } from './status.ts';
import type { RowState } from './view-query.ts';

const meanings: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...skipReasons,
    injected: 'the sidecar was added',
    invalid: 'the pod asks for what cannot stand',
    internal: 'an error of Tandem; its log has it',
    'bad-request': 'no admission review',
  }),
);

const results: Readonly<Record<string, { readonly state: RowState; readonly text: string }>> = {
  injected: { state: 'in', text: 'Injected' },
  allowed: { state: 'out', text: 'Left out' },
  denied: { state: 'problem', text: 'Denied' },
  error: { state: 'problem', text: 'Error' },
  'bad-request': { state: 'problem', text: 'Bad request' },
};

export function admissionsTable({ admissions }: WebhookStatus): Table {
  return {
    id: 'admissions',
    title: 'Newest admissions',
    nouns: ['admission', 'admissions'],
    empty: 'There was no admission yet.',
    columns: ['Pod', 'Result', 'Why', 'Time'],
    rows: admissions.recent.map(rowOf),
  };
}

function rowOf(admission: Admission): Row {
  const { number, result, reason, detail } = admission;
  const why = meanings.get(reason) ?? reason;
  return {
    key: String(number),
    states: [results[result]?.state ?? 'problem'],
    text: [podOf(admission), result, reason, why, detail ?? ''].join('\n'),
    cells: () => cellsOf(admission, why),
  };
}

function cellsOf(admission: Admission, why: string): readonly Markup[] {
  const { result, reason, detail, at } = admission;
  const { state, text } = results[result] ?? { state: 'problem', text: result };
  return [
    foreignText(podOf(admission)),
    badge(state, text),
    markup`<span title="${reason}">${why}</span>${detail === undefined ? undefined : markup`: ${foreignText(detail)}`}`,
    moment(at),
  ];
}

/** A pod of a ReplicaSet has no name yet when it is admitted. */
function podOf({ namespace = '', name = '' }: Admission): string {
  return `${namespace}/${name === '' ? '(name not given yet)' : name}`;
}
