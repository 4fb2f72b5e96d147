/** The cluster that a command line names, for one use. */
import { apiClient, type ApiClient } from '../kubernetes/api-client.ts';
import { clusterAccess, type AccessOptions } from '../kubernetes/cluster-access.ts';

/** @throws TandemError TANDEM_KUBECONFIG_INVALID, and what `use` throws */
export async function withCluster<T>(
  options: AccessOptions,
  use: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const client = apiClient(await clusterAccess(options));
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
