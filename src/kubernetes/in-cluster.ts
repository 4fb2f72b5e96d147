/** Access from inside a pod: the service account that the kubelet mounts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, TandemError } from '../support/errors.ts';
import { hostAndPort } from '../support/ip-address.ts';
import type { ClusterAccess, Credentials } from './api-client.ts';
import { ownNamespace } from './service-account.ts';

export type InCluster = {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which every container has. */
  readonly host: string;
  readonly port: string;
  /** Folder of the service account, with ca.crt and token. */
  readonly serviceAccount: string;
};

/**
 * Token and CA are read again for each request: the kubelet renews the token when a fifth of its life is left, and two small
 * files in memory cost less than a rule about when to read them.
 */
export async function inClusterAccess({ host, port, serviceAccount }: InCluster): Promise<ClusterAccess> {
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(join(serviceAccount, name), 'utf8');
    } catch (cause) {
      throw new TandemError(
        'TANDEM_KUBERNETES_UNREACHABLE',
        `cannot read the ServiceAccount: ${reasonOf(cause)}`,
        cause,
      );
    }
  };
  const credentials = async (): Promise<Credentials> => {
    const [ca, token] = await Promise.all([read('ca.crt'), read('token')]);
    return { tls: { ca }, headers: { authorization: `Bearer ${token.trim()}` }, proxy: undefined };
  };
  return {
    server: `https://${hostAndPort(host, port)}`,
    namespace: await ownNamespace(serviceAccount),
    credentials,
    renew: () => undefined,
  };
}
