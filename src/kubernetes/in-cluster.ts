/** Access from inside of a pod: the service account that the kubelet mounts. */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { ClusterAccess, Credentials } from './api-client.ts';
import type { InCluster } from './server-version.ts';
import { ownNamespace } from './service-account.ts';

/**
 * Token and CA are read again for each request: the kubelet renews the token when a fifth of its life is left, and two small
 * files in memory cost less than a rule about when to read them.
 */
export async function inClusterAccess({ host, port, serviceAccount }: InCluster): Promise<ClusterAccess> {
  const credentials = async (): Promise<Credentials> => {
    const [ca, token] = await Promise.all([
      readFile(join(serviceAccount, 'ca.crt'), 'utf8'),
      readFile(join(serviceAccount, 'token'), 'utf8'),
    ]);
    return { tls: { ca }, headers: { authorization: `Bearer ${token.trim()}` }, proxy: undefined };
  };
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: await ownNamespace(serviceAccount),
    credentials,
    renew: () => undefined,
  };
}
