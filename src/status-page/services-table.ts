/** The Services of the cluster: which are in Consul, which are left out and why, and what is wrong with them. */
import { skipReasons, syncReasons } from '../catalog/to-consul/decide-service.ts';
import { omitReasons } from '../catalog/to-consul/place.ts';
import { foreignText, markup, type Markup } from './markup.ts';
import { badge, problemList, problemsFirst, reasonText, type Row, type Table } from './row.ts';
import type { SourceState, SyncStatus } from './status.ts';

const meanings: ReadonlyMap<string, string> = new Map(Object.entries({ ...skipReasons, ...syncReasons }));

const omitted: ReadonlyMap<string, string> = new Map(Object.entries(omitReasons));

/** Of every table that only the leader can fill. */
export const askLeader = markup`Another replica is the leader, and only the leader knows. To see which one, run <code>kubectl get lease tandem-sync</code> in Tandem's namespace.`;

export function servicesTable({ leader, lastSuccess, sources }: SyncStatus): Table {
  return {
    id: 'services',
    title: 'Kubernetes Services in Consul',
    nouns: ['Service', 'Services'],
    empty: leader ? noService(lastSuccess) : askLeader,
    columns: [
      { title: 'Service', kind: 'name' },
      { title: 'State', kind: 'state' },
      { title: 'Instances', kind: 'number' },
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst(sources.map(rowOf)),
  };
}

function noService(lastSuccess: string | undefined): Markup {
  return lastSuccess === undefined
    ? markup`Nothing is known yet: the first comparison is not done.`
    : markup`There is no Service. Apply one, and it appears here at once: <code>kubectl apply -f service.yaml</code>, or a file in the folder of <code>tandem dev</code>.`;
}

/** In step, with nothing to register: no endpoint or no address yet. */
export function isWaiting({ synced, instances, problems, refused }: SourceState): boolean {
  return synced && instances === 0 && problems.length === 0 && refused === undefined;
}

function rowOf(state: SourceState): Row {
  const { source, synced, reason, leftOut, problems, refused, instances, since } = state;
  const name = source.replace(/^Service\//, '');
  const all = [...problems, ...(refused === undefined ? [] : [`Consul refused a change: ${refused}`])];
  const missing = leftOut.map((each) => omitted.get(each) ?? each);
  const isProblem = all.length > 0;
  // A rule takes it, and a problem leaves nothing of it to register.
  const isLost = synced && isProblem && instances === 0;
  const isIn = synced && !isLost;
  const waits = isWaiting(state);
  const word = isLost ? 'Not registered' : waits ? 'Waiting' : synced ? 'Synced' : 'Left out';
  return {
    key: source,
    name,
    states: [isIn ? 'in' : 'out', ...(isProblem ? (['problem'] as const) : [])],
    since,
    text: [source, word, reason, meanings.get(reason), ...missing, ...all].join('\n'),
    cells: () => [
      foreignText(name),
      markup`${badge(isIn && !waits ? 'in' : 'out', word)}${isProblem ? markup` ${badge('problem', 'Problem')}` : undefined}`,
      markup`${instances}`,
      markup`${reasonText(meanings.get(reason), reason)}${nothingYet(missing)}${problemList(all, since)}`,
    ],
  };
}

function nothingYet(missing: readonly string[]): Markup {
  return missing.length === 0 ? markup`` : markup`<p>No instance: ${missing.join('; ')}.</p>`;
}
