/** The service account that Kubernetes mounts into a pod. */
import { readFile } from 'node:fs/promises';

export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The namespace of this pod; undefined outside of a cluster, and in a pod without the mount. */
export async function ownNamespace(serviceAccount = SERVICE_ACCOUNT): Promise<string | undefined> {
  try {
    return (await readFile(`${serviceAccount}/namespace`, 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
}
