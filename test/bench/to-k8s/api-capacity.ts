/** What this API server takes on this machine now, by a plain loop: the measure of how fast Services can come. */
import type { ApiServer } from '../../real/harness/api-server.ts';
import { figure } from '../figure.ts';
import { inParallel } from '../sync/in-parallel.ts';

export const NAMESPACE = 'capacity';
const COLLECTIONS = [
  `/api/v1/namespaces/${NAMESPACE}/services`,
  `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`,
] as const;
const IN_FLIGHT = [1, 8, 32];

/**
 * Makes so many Services with a slice each with each number of calls in flight, and removes them. A Service costs the API
 * server the more, the more there are: ask before and after.
 *
 * @returns the most objects a second
 */
export async function apiCapacity(api: ApiServer, services: number, when: string): Promise<number> {
  const rates: number[] = [];
  for (const inFlight of IN_FLIGHT) {
    const begin = performance.now();
    await inParallel(services, inFlight, (index) => makeService(api, `plain-${index}`));
    const rate = (services * COLLECTIONS.length) / ((performance.now() - begin) / 1000);
    rates.push(rate);
    figure(`API server: new objects, ${inFlight} in flight, ${when}`, rate, '/s', '');
    for (const path of COLLECTIONS) await api.admin.expect('DELETE', path);
  }
  return Math.max(...rates);
}

async function makeService(api: ApiServer, name: string): Promise<void> {
  const [services, slices] = COLLECTIONS;
  await api.admin.expect('POST', services, {
    metadata: { name },
    spec: { ipFamilyPolicy: 'PreferDualStack', ports: [{ port: 8080, protocol: 'TCP' }] },
  });
  await api.admin.expect('POST', slices, {
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [1, 2, 3].map((last) => ({ addresses: [`10.0.0.${last}`], conditions: { ready: true } })),
  });
}
