/** Which Consul this is: the trust domain of its mesh, which every Consul invents once and its datacenters share. */
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';

/**
 * `TrustDomain` of `GET /v1/connect/ca/roots`, which needs no token.
 *
 * @returns undefined when Consul does not tell it, such as with Connect off. @throws the reason of the signal when that aborts
 */
export async function readTrustDomain(
  client: ConsulCalls,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    return await client.call({
      endpoint: 'other',
      method: 'GET',
      path: '/v1/connect/ca/roots',
      signal,
      read: (raw) => asString(property(jsonOf(raw), 'TrustDomain')) || undefined,
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TandemError) return undefined;
    throw error;
  }
}
