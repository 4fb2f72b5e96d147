/** The same API server, asked with a token that is not the own one. */
import { TandemError } from '../support/errors.ts';
import type { Secret } from '../support/secret.ts';
import type { ClusterAccess } from './api-client.ts';

/**
 * With that token alone: by the own certificate the server would believe a request whatever its token, and a refusal says nothing of
 * the own credentials. What would go through a proxy is not sent, because its connections have the own certificate.
 */
export function bearerAccess({ server, credentials }: ClusterAccess, token: Secret): ClusterAccess {
  return {
    server,
    namespace: undefined,
    credentials: async () => {
      const { tls, proxy } = await credentials();
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
}
