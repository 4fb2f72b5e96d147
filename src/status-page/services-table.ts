/** The Services of the cluster: which are in Consul, which are left out and why, and what is wrong with them. */
import { serviceSkipReasons, syncReasons } from '../catalog/to-consul/decide-service.ts';
import { omitReasons } from '../catalog/to-consul/place.ts';
import { emptyTable } from './empty-table.ts';
import { markup, type Markup } from './markup.ts';
import { isWrong, problemsFirst, reasonText, statusRow, type Row, type Table } from './row.ts';
import type { ServiceRow, ToConsulStatus } from './status.ts';

const meanings: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...serviceSkipReasons, ...syncReasons }),
);

const omitted: ReadonlyMap<string, string> = new Map(Object.entries(omitReasons));

const NO_SERVICE = markup`There is no Service. Apply one, and it appears here at once: <code>kubectl apply -f service.yaml</code>, or a file in the folder of <code>tandem dev</code>.`;

export function servicesTable({ lastSuccess, rows }: ToConsulStatus, isLeader: boolean): Table {
  return {
    id: 'services',
    title: 'Kubernetes Services in Consul',
    nouns: ['Service', 'Services'],
    empty: emptyTable(isLeader, lastSuccess, NO_SERVICE),
    columns: [
      { title: 'Service', kind: 'name' },
      { title: 'State', kind: 'state' },
      { title: 'Instances', kind: 'number' },
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst(rows.map(rowOf)),
  };
}

/** In step, with nothing to register: no endpoint or no address yet. */
export function isWaiting(row: ServiceRow): boolean {
  return row.synced && row.instances === 0 && !isWrong(row);
}

function rowOf(row: ServiceRow): Row {
  const { source, synced, reason, leftOut, instances } = row;
  const missing = leftOut.map((each) => omitted.get(each) ?? each);
  // A rule takes it, and a problem leaves nothing of it to register.
  const isLost = synced && isWrong(row) && instances === 0;
  const waits = isWaiting(row);
  return statusRow(row, {
    name: source.replace(/^Service\//, ''),
    isIn: synced && !isLost,
    isWaiting: waits,
    word: isLost ? 'Not registered' : waits ? 'Waiting' : synced ? 'Synced' : 'Left out',
    refuser: 'Consul',
    found: [meanings.get(reason), ...missing],
    places: () => [markup`${instances}`],
    why: () => markup`${reasonText(meanings.get(reason), reason)}${nothingYet(missing)}`,
  });
}

function nothingYet(missing: readonly string[]): Markup {
  return missing.length === 0 ? markup`` : markup`<p>No instance: ${missing.join('; ')}.</p>`;
}
