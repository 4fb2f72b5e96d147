/** Asks the API server whether it still believes the tokens by which Consul asks it about logins. */
import type { ClusterAccess } from '../kubernetes/api-client.ts';
import { isTokenRefused } from '../kubernetes/bearer-access.ts';
import type { SecureObserved } from '../secure/observed.ts';
import { reviewerTokens } from '../secure/reviewer.ts';
import type { SecureSettings } from '../secure/secure-settings.ts';
import { secret } from '../support/secret.ts';

export async function refusedReviewers(
  access: ClusterAccess,
  settings: SecureSettings,
  { acl, now }: Pick<SecureObserved, 'acl' | 'now'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (acl.kind !== 'known') return [];
  const asked = reviewerTokens(settings, acl, now).map(async ({ method, jwt }) =>
    (await isTokenRefused(access, secret(jwt), signal)) ? [method] : [],
  );
  return (await Promise.all(asked)).flat();
}
