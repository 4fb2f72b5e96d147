/** The injected pods: which the registrar keeps in Consul, which not and why, and what is wrong with them. */
import { podReasons } from '../catalog/mesh/decide-pod.ts';
import { nameReasons } from '../catalog/mesh/mesh-service.ts';
import { emptyTable } from './empty-table.ts';
import { foreignText, markup, type Markup } from './markup.ts';
import { problemsFirst, reasonText, statusRow, type Row, type Table } from './row.ts';
import type { PodRow, RegistrarStatus } from './status.ts';

const meanings: ReadonlyMap<string, string> = new Map(Object.entries(podReasons));

const nameMeanings: ReadonlyMap<string, string> = new Map(Object.entries(nameReasons));

const words: ReadonlyMap<string, string> = new Map([
  ['registered', 'Registered'],
  ['agent-mode', 'Registers itself'],
]);

const NO_POD = markup`No pod is injected. A pod asks for it by the annotation <code>consul.hashicorp.com/connect-inject: "true"</code>; those that exist need a restart.`;

export function podsTable({ rows, lastSuccess }: RegistrarStatus, isLeader: boolean): Table {
  return {
    id: 'pods',
    title: 'Injected pods in Consul',
    nouns: ['pod', 'pods'],
    empty: emptyTable(isLeader, lastSuccess, NO_POD),
    columns: [
      { title: 'Pod', kind: 'name' },
      { title: 'State', kind: 'state' },
      { title: 'Service and instances', kind: 'place' },
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst(rows.map(rowOf)),
  };
}

function rowOf(row: PodRow): Row {
  const { source, service, instances, reason } = row;
  const word = words.get(reason);
  return statusRow(row, {
    name: source.replace(/^Pod\//, ''),
    isIn: word !== undefined,
    word: word ?? 'Left out',
    refuser: 'Consul',
    found: [service?.name, ...instances.flatMap(({ id, status }) => [id, status]), meanings.get(reason)],
    places: () => [serviceMarkup(service, instances)],
    why: () => reasonText(meanings.get(reason), reason),
  });
}

/** What the pod is in Consul and why, and how each of its instances stands there. */
function serviceMarkup(service: PodRow['service'], instances: PodRow['instances']): Markup {
  if (service === undefined) return markup`none`;
  const states = instances.map(
    ({ id, status }) => markup`<br>${foreignText(status)} <code>${foreignText(id)}</code>`,
  );
  return markup`${foreignText(service.name)}, after ${nameMeanings.get(service.reason) ?? service.reason}${states}`;
}
