/** Rights that are missing: the API server has refused something, and the log of whoever asked for it says so. */
import type { ApiClient } from '../../real/harness/api-client.ts';
import { containersOf, isReady, type Pod } from './list.ts';

// As the API server words it: `leases.coordination.k8s.io is forbidden: User "…" cannot create resource "leases" in …`
const FORBIDDEN = /\S+ is forbidden: User [^\n]*? cannot [^,}\n]*/;

/** A sentence for each container of a pod that is not ready whose last lines tell of one. */
export async function deniedRights(api: ApiClient, pods: readonly Pod[]): Promise<readonly string[]> {
  const running = pods
    .filter((pod) => !isReady(pod) && pod.metadata.deletionTimestamp === undefined)
    .flatMap((pod) => containersOf(pod).map(({ name }) => ({ pod: pod.metadata, name })));
  const found = running.map(async ({ pod, name }) => {
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log`;
    const { status, body } = await api.request('GET', `${path}?container=${name}&tailLines=5`);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const [denied] = (status === 200 && FORBIDDEN.exec(text)) || [];
    return denied === undefined ? [] : [`pod ${pod.name}, container ${name}: ${denied}`];
  });
  return (await Promise.all(found)).flat();
}
