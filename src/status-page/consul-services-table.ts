/** The Consul services: which became Services of the cluster, which are left out and why, and what is wrong with them. */
import { leaveReasons } from '../catalog/to-kubernetes/select.ts';
import { filledAt } from '../support/json.ts';
import { foreignText, markup } from './markup.ts';
import { reasonText } from './row.ts';
import { isWrong, statusTable } from './status-table.ts';
import type { ToK8sStatus } from './status.ts';

const kinds = {
  endpoints: 'its healthy instances are endpoints',
  'external-name': 'an alias in DNS (ExternalName)',
  unknown: 'its instances are not read yet; existing objects stay',
  none: 'see its problems',
};

export const consulServicesTable = statusTable<ToK8sStatus>({
  id: 'from-consul',
  title: 'Consul services in Kubernetes',
  nouns: ['Consul service', 'Consul services'],
  none: markup`Consul shows no service. Either there is none, or the token may not read them: <code>tandem check</code> says which.`,
  columns: [
    { title: 'Consul service', kind: 'name' },
    { title: 'Kubernetes Service', kind: 'place' },
    { title: 'Endpoints', kind: 'number' },
  ],
  lookOf: (row, { namespace }) => {
    const { source, selected, object, reason, endpoints } = row;
    const isIn = object !== undefined && reason !== 'unknown';
    const where = object === undefined ? undefined : `${namespace}/${object}`;
    const meaning = filledAt(selected ? kinds : leaveReasons, reason);
    return {
      name: source,
      isIn,
      word: isIn ? 'Synced' : reason === 'unknown' ? 'Not read yet' : 'Left out',
      refuser: 'The API server',
      meaning,
      found: [where],
      places: () => [
        where === undefined ? markup`<span class="quiet">none</span>` : foreignText(where),
        markup`${endpoints}`,
      ],
      why: () =>
        selected ? markup`${isWrong(row) ? undefined : (meaning ?? reason)}` : reasonText(meaning, reason),
    };
  },
});
