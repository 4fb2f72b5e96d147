/** The newest admissions: which pods were injected, why the others were not, and config entries. */
import { entryAdmissionReasons } from '../admission/entry-admission-reasons.ts';
import { skipReasons } from '../inject/result.ts';
import { filledAt } from '../support/json.ts';
import { foreignText, markup, moment, type Markup } from './markup.ts';
import { badge, reasonText, type Row, type Table } from './row.ts';
import type { Admission, WebhookStatus } from './status.ts';
import type { RowState } from './view-query.ts';

const meanings = {
  ...skipReasons,
  ...entryAdmissionReasons,
  injected: 'the sidecar was added',
  invalid: 'an annotation, or the pod or config entry itself, is invalid',
  internal: 'an error in Tandem; see its log',
  'bad-request': 'not an AdmissionReview',
};

const results: Readonly<Record<string, { readonly state: RowState; readonly word: string }>> = {
  injected: { state: 'in', word: 'Injected' },
  allowed: { state: 'out', word: 'Left out' },
  denied: { state: 'problem', word: 'Denied' },
  error: { state: 'problem', word: 'Error' },
  'bad-request': { state: 'problem', word: 'Bad request' },
};

const ADMITTED = { state: 'in', word: 'Admitted' } as const;

export function admissionsTable({ admissions }: WebhookStatus): Table {
  return {
    id: 'admissions',
    title: 'Newest admissions',
    nouns: ['admission', 'admissions'],
    empty: markup`No pod was admitted since ${moment(admissions.since)}. Create one. If nothing appears here, <code>tandem check</code> tells you whether the API server reaches this webhook.`,
    columns: [
      { title: 'Object', kind: 'name' },
      { title: 'Result', kind: 'state' },
      { title: 'Why', kind: 'text' },
      { title: 'Time', kind: 'time' },
    ],
    isHistory: true,
    rows: admissions.recent.map(rowOf),
  };
}

function rowOf(admission: Admission): Row {
  const { number, result, reason, detail, warnings, at } = admission;
  const { state, word } =
    result === 'allowed' && reason in entryAdmissionReasons
      ? ADMITTED
      : (results[result] ?? { state: 'problem', word: result });
  const name = podOf(admission);
  const meaning = filledAt(meanings, reason);
  return {
    key: String(number),
    name,
    states: [state],
    since: undefined,
    text: [name, word, result, reason, meaning, detail, ...warnings].join('\n'),
    cells: () => [
      foreignText(name),
      badge(state, word),
      markup`${reasonText(meaning, reason)}${detail === undefined ? undefined : markup`<br>${foreignText(detail)}`}${warningList(warnings)}`,
      moment(at),
    ],
  };
}

/** A pod of a ReplicaSet has no name yet when it is admitted. */
function podOf({ namespace = '', name = '' }: Admission): string {
  return `${namespace}/${name === '' ? '(name not given yet)' : name}`;
}

function warningList(warnings: readonly string[]): Markup | undefined {
  if (warnings.length === 0) return undefined;
  return markup`<ul class="warnings">${warnings.map((text) => markup`<li>${foreignText(text)}</li>`)}</ul>`;
}
