/** Where the API server is, and which credentials are used. */
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { TandemError } from '../support/errors.ts';
import type { ClusterAccess } from './api-client.ts';
import { inClusterAccess } from './in-cluster.ts';
import { SERVICE_ACCOUNT } from './service-account.ts';

export type AccessOptions = {
  /** The file of `--kubeconfig`. */
  readonly kubeconfig: string | undefined;
  /** KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT count. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of the service account, for access from inside a pod; by default where the kubelet mounts it. */
  readonly serviceAccount?: string;
};

/**
 * The first of: the given file, the files of KUBECONFIG, `~/.kube/config`, the service account of the pod.
 *
 * A pod without those files does not load `@kubernetes/client-node`, which costs half a second and 90 MB.
 *
 * @throws TandemError TANDEM_KUBECONFIG_INVALID; a named file that cannot be read is an error, never a reason to try the next
 */
export async function clusterAccess(options: AccessOptions): Promise<ClusterAccess> {
  const { environment, serviceAccount = SERVICE_ACCOUNT } = options;
  const files = await kubeconfigFiles(options);
  if (files.length > 0) {
    const { kubeconfigAccess } = await import('./kubeconfig.ts');
    return kubeconfigAccess(files);
  }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host !== undefined && port !== undefined) return inClusterAccess({ host, port, serviceAccount });
  throw new TandemError(
    'TANDEM_KUBECONFIG_INVALID',
    'no cluster: set --kubeconfig or KUBECONFIG, or run in a pod with a service account',
  );
}

async function kubeconfigFiles({ kubeconfig, environment }: AccessOptions): Promise<readonly string[]> {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) return named;
  const ofHome = environment['HOME'] ? join(environment['HOME'], '.kube', 'config') : undefined;
  return ofHome !== undefined && (await exists(ofHome)) ? [ofHome] : [];
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
