/** ACL tokens with which pods have logged in to Consul: each login makes one, and it stays until somebody deletes it. */
import { asString, parseJson, property } from '../../support/json.ts';

/** `accessor` names a token and opens nothing, unlike its secret. */
export type PodToken = { readonly accessor: string; readonly uid: string };

// As Consul writes it from the meta of a login (agent/consul/auth/token_writer.go, BuildTokenDescription).
const DESCRIPTION = 'token created via login: ';

/**
 * Tokens of pods of this owner; those whose login did not say whose they are stay what they are. The secrets that the list has,
 * too, are ignored.
 *
 * @param tokens body of `GET /v1/acl/tokens`
 * @returns undefined when it is not of the form that Consul documents
 */
export function readPodTokens(
  tokens: unknown,
  method: string,
  owner: string,
): readonly PodToken[] | undefined {
  if (!Array.isArray(tokens)) return undefined;
  return tokens.flatMap((token: unknown): PodToken[] => {
    const accessor = asString(property(token, 'AccessorID'));
    const description = asString(property(token, 'Description')) ?? '';
    if (accessor === undefined || asString(property(token, 'AuthMethod')) !== method) return [];
    const meta = description.startsWith(DESCRIPTION)
      ? parseJson(description.slice(DESCRIPTION.length))
      : undefined;
    const uid = asString(property(meta, 'pod-uid')) ?? '';
    return uid !== '' && asString(property(meta, 'owner')) === owner ? [{ accessor, uid }] : [];
  });
}
