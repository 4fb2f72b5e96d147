/** Namespaces of the suite: new at the beginning, gone at the end, in seconds. */
import { eventually } from '../../real/harness/eventually.ts';
import type { ApiClient } from '../../real/harness/api-client.ts';
import type { Cluster } from './cluster.ts';
import { list, readyNodes, type Pod } from './list.ts';

const PROFILE = 'pod-security.kubernetes.io/enforce';
/** Labels of a namespace: the strictest Pod Security profile, which what Tandem adds satisfies. */
export const RESTRICTED = { [PROFILE]: 'restricted' };
export const PRIVILEGED = { [PROFILE]: 'privileged' };

/** A namespace that is new: what a run that was killed has left of it goes first. */
export async function makeNamespace(
  cluster: Cluster,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await removeNamespace(cluster, name);
  await cluster.api.expect('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  // Pods are refused until its controller has made the account.
  await eventually(`the account of ${name}`, () =>
    cluster.api.expect('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`),
  );
}

/** Resolves when it is gone, with all that was in it. */
export async function removeNamespace({ api }: Cluster, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  if ((await api.request('GET', path)).status === 404) return;
  await emptyNamespace(api, name);
  await api.request('DELETE', path);
  await eventually(`the end of namespace ${name}`, async () => {
    const { status, body } = await api.request('GET', path);
    if (status !== 404) throw new Error(JSON.stringify(body));
  });
}

/**
 * Ends its pods, and then its claims of volumes. Left to itself, a namespace waits for half the grace period of its pods
 * before it looks at them again, and as long for the claims.
 */
export async function emptyNamespace(api: ApiClient, name: string): Promise<void> {
  const controllers = ['deployments', 'statefulsets', 'daemonsets', 'replicasets'].map(
    (plural) => `/apis/apps/v1/namespaces/${name}/${plural}`,
  );
  for (const path of [...controllers, `/apis/batch/v1/namespaces/${name}/jobs`])
    await api.request('DELETE', `${path}?propagationPolicy=Background`);
  await endPods(api, `/api/v1/namespaces/${name}/pods`);
  await deleteAll(api, `/api/v1/namespaces/${name}/persistentvolumeclaims`);
}

/**
 * How what runs ends is proved by tests of its own: here it gets a second. Not none, for then the API server forgets a pod that still runs,
 * and a Consul server that is on its way out takes the server of the next release into its cluster.
 */
async function endPods(api: ApiClient, path: string): Promise<void> {
  await eventually(`nothing in ${path}`, async () => {
    await api.expect('DELETE', `${path}?gracePeriodSeconds=1`);
    const left = await list<Pod>(api, path);
    const ready = await readyNodes(api);
    // Nobody ends the pods of a node that is gone.
    const lost = left.filter(({ spec }) => !ready.includes(spec.nodeName ?? ''));
    for (const { metadata } of lost)
      await api.request('DELETE', `${path}/${metadata.name}?gracePeriodSeconds=0`);
    if (left.length > 0) throw new Error(`${left.length} are left`);
  });
}

async function deleteAll(api: ApiClient, path: string): Promise<void> {
  await eventually(`nothing in ${path}`, async () => {
    await api.expect('DELETE', path);
    const left = await list<object>(api, path);
    if (left.length > 0) throw new Error(`${left.length} are left`);
  });
}
