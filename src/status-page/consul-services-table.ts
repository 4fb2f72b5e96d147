/** The Consul services: which became Services of the cluster, which are left out and why, and what is wrong with them. */
import { leaveReasons } from '../catalog/to-kubernetes/select.ts';
import { foreignText, markup, type Markup } from './markup.ts';
import { badge, problemList, problemsFirst, reasonText, type Row, type Table } from './row.ts';
import { askLeader } from './services-table.ts';
import type { ConsulServiceState, ToK8sStatus } from './status.ts';

const meanings: ReadonlyMap<string, string> = new Map(Object.entries(leaveReasons));

const kinds: ReadonlyMap<string, string> = new Map([
  ['endpoints', 'its healthy instances are endpoints'],
  ['external-name', 'an alias in DNS (ExternalName)'],
  ['unknown', 'its instances are not read yet; existing objects stay'],
  ['none', 'see its problems'],
]);

export function consulServicesTable(status: ToK8sStatus, isLeader: boolean): Table {
  const { namespace, services, leftOut } = status;
  const taken = services.map((state) => takenRow(state, namespace));
  return {
    id: 'from-consul',
    title: 'Consul services in Kubernetes',
    nouns: ['Consul service', 'Consul services'],
    empty: isLeader ? noService(status) : askLeader,
    columns: [
      { title: 'Consul service', kind: 'name' },
      { title: 'State', kind: 'state' },
      { title: 'Kubernetes Service', kind: 'place' },
      { title: 'Endpoints', kind: 'number' },
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst([...taken, ...leftOut.map(leftOutRow)]),
  };
}

function noService({ lastSuccess }: ToK8sStatus): Markup {
  return lastSuccess === undefined
    ? markup`Nothing is known yet: the first comparison is not done.`
    : markup`Consul shows no service. Either there is none, or the token may not read them: <code>tandem check</code> says which.`;
}

function takenRow(state: ConsulServiceState, namespace: string): Row {
  const { service, object, kind, endpoints, problems, refused, since } = state;
  const all = [
    ...problems,
    ...(refused === undefined ? [] : [`The API server refused a change: ${refused}`]),
  ];
  const isIn = object !== undefined && kind !== 'unknown';
  const word = isIn ? 'Synced' : kind === 'unknown' ? 'Not read yet' : 'Left out';
  const where = object === undefined ? undefined : `${namespace}/${object}`;
  const isProblem = all.length > 0;
  return {
    key: service,
    name: service,
    states: [isIn ? 'in' : 'out', ...(isProblem ? (['problem'] as const) : [])],
    since,
    text: [service, where, word, kinds.get(kind), ...all].join('\n'),
    cells: () => [
      foreignText(service),
      markup`${badge(isIn ? 'in' : 'out', word)}${isProblem ? markup` ${badge('problem', 'Problem')}` : undefined}`,
      where === undefined ? markup`<span class="quiet">none</span>` : foreignText(where),
      markup`${endpoints}`,
      isProblem ? problemList(all, since) : markup`${kinds.get(kind) ?? kind}`,
    ],
  };
}

function leftOutRow({ service, reason }: { readonly service: string; readonly reason: string }): Row {
  return {
    key: service,
    name: service,
    states: ['out'],
    since: undefined,
    text: [service, 'Left out', reason, meanings.get(reason)].join('\n'),
    cells: () => [
      foreignText(service),
      badge('out', 'Left out'),
      markup`<span class="quiet">none</span>`,
      markup`0`,
      reasonText(meanings.get(reason), reason),
    ],
  };
}
