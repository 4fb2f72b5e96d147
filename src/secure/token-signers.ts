/** The keys by which the API server signs tokens of ServiceAccounts, as OpenID Connect publishes them. */
import { createPublicKey } from 'node:crypto';
import { asString, isObject, property } from '../support/json.ts';

export type TokenSigners =
  | {
      readonly kind: 'known';
      readonly issuer: string;
      /** At least one: PEM, and the algorithm of its signatures (`RS256`). */
      readonly keys: readonly { readonly pem: string; readonly algorithm: string }[];
    }
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * One key that cannot be read makes the whole list unknown: the tokens of that key would be refused.
 *
 * @param configuration body of `/.well-known/openid-configuration`
 * @param keySet body of `/openid/v1/jwks` (RFC 7517)
 */
export function readTokenSigners(configuration: unknown, keySet: unknown): TokenSigners {
  const issuer = asString(property(configuration, 'issuer'));
  const listed = property(keySet, 'keys');
  if (issuer === undefined) return unknown('the API server names no issuer of its tokens');
  if (!Array.isArray(listed) || listed.length === 0)
    return unknown('the API server publishes no keys of its tokens');
  const keys = listed.map(signerIn).filter((key) => key !== undefined);
  return keys.length < listed.length
    ? unknown('the API server publishes a key of its tokens that cannot be read')
    : { kind: 'known', issuer, keys };
}

function signerIn(key: unknown): { readonly pem: string; readonly algorithm: string } | undefined {
  const algorithm = asString(property(key, 'alg'));
  if (!isObject(key) || algorithm === undefined) return undefined;
  try {
    const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    return { pem: pem.toString(), algorithm };
  } catch {
    return undefined;
  }
}

function unknown(why: string): TokenSigners {
  return { kind: 'unknown', why };
}
