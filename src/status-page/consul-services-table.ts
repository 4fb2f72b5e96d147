/** The Consul services: which became Services of the cluster, which are left out and why, and what is wrong with them. */
import { leaveReasons } from '../catalog/to-kubernetes/select.ts';
import { emptyTable } from './empty-table.ts';
import { foreignText, markup } from './markup.ts';
import { isWrong, problemsFirst, reasonText, statusRow, type Row, type Table } from './row.ts';
import type { ConsulServiceRow, ToK8sStatus } from './status.ts';

const meanings: ReadonlyMap<string, string> = new Map(Object.entries(leaveReasons));

const kinds: ReadonlyMap<string, string> = new Map([
  ['endpoints', 'its healthy instances are endpoints'],
  ['external-name', 'an alias in DNS (ExternalName)'],
  ['unknown', 'its instances are not read yet; existing objects stay'],
  ['none', 'see its problems'],
]);

const NO_SERVICE = markup`Consul shows no service. Either there is none, or the token may not read them: <code>tandem check</code> says which.`;

export function consulServicesTable(status: ToK8sStatus, isLeader: boolean): Table {
  const { namespace, rows } = status;
  return {
    id: 'from-consul',
    title: 'Consul services in Kubernetes',
    nouns: ['Consul service', 'Consul services'],
    empty: emptyTable(isLeader, status.lastSuccess, NO_SERVICE),
    columns: [
      { title: 'Consul service', kind: 'name' },
      { title: 'State', kind: 'state' },
      { title: 'Kubernetes Service', kind: 'place' },
      { title: 'Endpoints', kind: 'number' },
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst(rows.map((row) => rowOf(row, namespace))),
  };
}

function rowOf(row: ConsulServiceRow, namespace: string): Row {
  const { source, selected, object, reason, endpoints } = row;
  const isIn = object !== undefined && reason !== 'unknown';
  const where = object === undefined ? undefined : `${namespace}/${object}`;
  const meaning = selected ? kinds.get(reason) : meanings.get(reason);
  return statusRow(row, {
    name: source,
    isIn,
    word: isIn ? 'Synced' : reason === 'unknown' ? 'Not read yet' : 'Left out',
    refuser: 'The API server',
    found: [where, meaning],
    places: () => [
      where === undefined ? markup`<span class="quiet">none</span>` : foreignText(where),
      markup`${endpoints}`,
    ],
    why: () =>
      selected ? markup`${isWrong(row) ? undefined : (meaning ?? reason)}` : reasonText(meaning, reason),
  });
}
