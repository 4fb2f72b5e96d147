/** The Services of the cluster: which are in Consul, which are left out and why, and what is wrong with them. */
import { serviceSkipReasons, syncReasons } from '../catalog/to-consul/decide-service.ts';
import { omitReasons } from '../catalog/to-consul/place.ts';
import { filledAt } from '../support/json.ts';
import { markup } from './markup.ts';
import { reasonText } from './row.ts';
import { isWrong, statusTable } from './status-table.ts';
import type { ServiceRow, ToConsulStatus } from './status.ts';

const meanings = { ...serviceSkipReasons, ...syncReasons };

export const servicesTable = statusTable<ToConsulStatus>({
  id: 'services',
  title: 'Kubernetes Services in Consul',
  nouns: ['Service', 'Services'],
  none: markup`There is no Service. Apply one, and it appears here at once: <code>kubectl apply -f service.yaml</code>, or a file in the folder of <code>tandem dev</code>.`,
  columns: [
    { title: 'Service', kind: 'name' },
    { title: 'Instances', kind: 'number' },
  ],
  lookOf: (row) => {
    const { source, synced, reason, leftOut, instances } = row;
    const missing = leftOut.map((each) => filledAt(omitReasons, each) ?? each);
    // A rule takes it, and a problem leaves nothing of it to register.
    const isLost = synced && isWrong(row) && instances === 0;
    const waits = isWaiting(row);
    const lack = instances === 0 ? 'No instance' : 'Not updated';
    const meaning = filledAt(meanings, reason);
    return {
      name: source.replace(/^Service\//, ''),
      isIn: synced && !isLost,
      isWaiting: waits,
      word: isLost ? 'Not registered' : waits ? 'Waiting' : synced ? 'Synced' : 'Left out',
      refuser: 'Consul',
      meaning,
      found: missing,
      places: () => [markup`${instances}`],
      why: () =>
        markup`${reasonText(meaning, reason)}${missing.length === 0 ? undefined : markup`<p>${lack}: ${missing.join('; ')}.</p>`}`,
    };
  },
});

/** In step, with nothing to register: no endpoint or no address yet; or too little is known to change anything. */
export function isWaiting(row: ServiceRow): boolean {
  return row.synced && (row.instances === 0 || row.leftOut.length > 0) && !isWrong(row);
}
