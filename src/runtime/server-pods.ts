/** The pods of an auto-join string, from the API server. */
import type { AutoJoin } from '../discovery/auto-join.ts';
import { readServerPod, type ServerPod } from '../discovery/server-pod.ts';
import { apiClient, type ApiClient } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { listPages, type Collection } from '../kubernetes/list-pages.ts';

export type ClusterOfPods = {
  /** The file of `--kubeconfig`; `kubeconfig=` beats it. */
  readonly kubeconfig: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** @throws TandemError TANDEM_KUBECONFIG_INVALID; a file that cannot be read is no reason to try another */
export async function openCluster(
  autoJoin: AutoJoin,
  { kubeconfig, environment }: ClusterOfPods,
): Promise<ApiClient> {
  const file = autoJoin.kubeconfig ?? kubeconfig;
  return apiClient(await clusterAccess({ kubeconfig: file, environment }));
}

export function serverPods({ namespace, labelSelector, fieldSelector }: AutoJoin): Collection {
  return {
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
    query: {
      ...(labelSelector === '' ? {} : { labelSelector }),
      ...(fieldSelector === '' ? {} : { fieldSelector }),
    },
  };
}

/**
 * All of them, those that are not ready too, in the order of their names.
 *
 * @throws TandemError TANDEM_KUBERNETES_…
 */
export async function listServerPods(
  client: ApiClient,
  autoJoin: AutoJoin,
  signal: AbortSignal,
): Promise<readonly ServerPod[]> {
  const listed = await listPages(client, serverPods(autoJoin), readServerPod, signal);
  if (listed.kind === 'failed') throw listed.failure.error ?? new Error('a list failed without an error');
  return listed.entries.flatMap(({ value }) => (value === undefined ? [] : [value]));
}
