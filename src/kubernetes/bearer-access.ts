/** The same API server, called with a token other than our own. */
import { TandemError } from '../support/errors.ts';
import type { Secret } from '../support/secret.ts';
import type { ClusterAccess } from './api-client.ts';

/**
 * With only that token: our own certificate would make the server accept a request whatever its token. A refusal says nothing about
 * our own credentials. Requests through a proxy are not sent, because its connections have our own certificate.
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
