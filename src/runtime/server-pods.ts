/** The pods of an auto-join string, from the API server. */
import type { AutoJoin } from '../discovery/auto-join.ts';
import { readServerPod, type ServerPod } from '../discovery/server-pod.ts';
import { apiClient, type ApiClient } from '../kubernetes/api-client.ts';
import { clusterAccess } from '../kubernetes/cluster-access.ts';
import { listValues, type Collection } from '../kubernetes/list-pages.ts';
import { withCluster } from './with-cluster.ts';

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
 * All of them, including those that are not ready, in the order of their names.
 *
 * @throws TandemError TANDEM_KUBECONFIG_INVALID, TANDEM_KUBERNETES_…
 */
export function listServerPods(
  autoJoin: AutoJoin,
  { kubeconfig, environment }: ClusterOfPods,
  signal: AbortSignal,
): Promise<readonly ServerPod[]> {
  return withCluster({ kubeconfig: autoJoin.kubeconfig ?? kubeconfig, environment }, (client) =>
    listValues(client, serverPods(autoJoin), readServerPod, signal),
  );
}
