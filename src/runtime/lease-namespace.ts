/** The Lease of the sync. */
import type { ClusterAccess } from '../kubernetes/api-client.ts';
import { ownNamespace } from '../kubernetes/service-account.ts';

export const SYNC_LEASE = 'tandem-sync';

/** The first of: the flag, the namespace of this pod, that of the context of the kubeconfig, `default`. */
export async function leaseNamespace(
  named: string | undefined,
  access: Pick<ClusterAccess, 'namespace'>,
): Promise<string> {
  return named ?? (await ownNamespace()) ?? access.namespace ?? 'default';
}
