/** Asks the API server for the keys with which it signs tokens of ServiceAccounts. */
import { readTokenSigners, type TokenSigners } from '../secure/token-signers.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';

/** Every ServiceAccount may ask, unless somebody removed the role system:service-account-issuer-discovery. */
export async function tokenSigners(
  client: Pick<ApiClient, 'request'>,
  signal: AbortSignal,
): Promise<TokenSigners> {
  const bodies: unknown[] = [];
  for (const path of ['/.well-known/openid-configuration', '/openid/v1/jwks']) {
    const { status, body } = await client.request('GET', path, undefined, signal);
    if (status !== 200)
      return { kind: 'unknown', why: `the API server answers ${path} with status ${status}` };
    bodies.push(body);
  }
  return readTokenSigners(bodies[0], bodies[1]);
}
