/** Whether the API server believes a token that is not the own one. */
import { TandemError } from '../support/errors.ts';
import type { Secret } from '../support/secret.ts';
import { apiClient, type ClusterAccess } from './api-client.ts';

// Nothing depends on the answer at once, and who asks has more to do.
const TIMEOUT = 5000;

/**
 * Asks the server of `access` with that token alone. By the own certificate the server would believe the request whatever the
 * token; and a refusal says nothing of the own credentials.
 *
 * @returns true only for the status 401: no answer, and any other one, tells nothing
 */
export async function isTokenRefused(
  { server, namespace, credentials }: ClusterAccess,
  token: Secret,
  signal: AbortSignal,
): Promise<boolean> {
  const access: ClusterAccess = {
    server,
    namespace,
    credentials: async () => {
      const { tls, proxy } = await credentials();
      // Its connections have the own certificate.
      if (proxy !== undefined) throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'behind a proxy');
      const { ca, rejectUnauthorized, servername } = tls;
      return {
        tls: {
          ...(ca === undefined ? {} : { ca }),
          ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
          ...(servername === undefined ? {} : { servername }),
        },
        headers: { authorization: `Bearer ${token.reveal()}` },
        proxy: undefined,
      };
    },
    renew: () => undefined,
  };
  const client = apiClient(access, TIMEOUT);
  try {
    // Who is known may read it by a role of Kubernetes' own, and who is not allowed to is known all the same.
    return (await client.request('GET', '/version', undefined, undefined, signal)).status === 401;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TandemError) return false;
    throw error;
  } finally {
    client.close();
  }
}
