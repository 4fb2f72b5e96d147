/** What the registrar says of itself, in the replica of the sync that leads. */
import assert from 'node:assert/strict';
import { eventually } from '../../real/harness/eventually.ts';
import { controllerOf, type Status } from '../../../src/status-page/status.ts';
import type { Cluster } from './cluster.ts';
import { isReady, podsOf } from './list.ts';

/**
 * Resolves when the registrar has compared everything once. A sync that starts before Consul tries again up to a second
 * after it is there, and the sidecar of a pod that is made meanwhile starts twice.
 */
export function registrarStarted({ api }: Cluster): Promise<void> {
  return eventually('the registrar has reached Consul', async () => {
    const pods = await podsOf(api, 'tandem', 'app.kubernetes.io/component=sync');
    const statuses = await Promise.all(
      pods.filter(isReady).map(({ metadata }) => {
        const path = `/api/v1/namespaces/tandem/pods/${metadata.name}:8081/proxy/status`;
        return api.expect('GET', path) as Promise<unknown> as Promise<Status>;
      }),
    );
    assert.ok(statuses.some((status) => controllerOf(status, 'registrar')?.lastSuccess !== undefined));
  });
}
