/** What the sync says of itself, in the replica that leads. */
import assert from 'node:assert/strict';
import { eventually } from '../../real/harness/eventually.ts';
import { controllerOf, type Status } from '../../../src/status-page/status.ts';
import type { Cluster } from './cluster.ts';
import { isReady, podsOf } from './list.ts';

/** Rejects while no replica leads. */
export async function leaderStatus({ api }: Cluster): Promise<Status> {
  const pods = await podsOf(api, 'tandem', 'app.kubernetes.io/component=sync');
  for (const { metadata } of pods.filter(isReady)) {
    const path = `/api/v1/namespaces/tandem/pods/${metadata.name}:8081/proxy/status`;
    const status = (await api.expect('GET', path)) as unknown as Status;
    if (status.process?.leader === true) return status;
  }
  throw new Error('no replica leads');
}

/**
 * Resolves when the registrar has compared everything once. A sync that starts before Consul tries again up to a second
 * after it is there, and the sidecar of a pod that is made meanwhile starts twice.
 */
export function registrarStarted(cluster: Cluster): Promise<void> {
  return eventually('the registrar has reached Consul', async () =>
    assert.ok(controllerOf(await leaderStatus(cluster), 'registrar')?.lastSuccess !== undefined),
  );
}
