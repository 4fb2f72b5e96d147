/** ACL tokens with which pods have logged in to Consul: each login makes one, and it stays until somebody deletes it. */
import { asString, elementsAt, parseJson, property, textAt } from '../../support/json.ts';

/** `accessor` names a token and opens nothing, unlike its secret. */
export type PodToken = {
  readonly accessor: string;
  readonly uid: string;
  /** The services that it may be: each sidecar of a pod logs in as one. */
  readonly services: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
};

// As Consul writes it from the meta of a login (agent/consul/auth/token_writer.go, BuildTokenDescription).
const DESCRIPTION = 'token created via login: ';

/**
 * Tokens of pods of this owner. A token whose login did not name its owner is left alone. The secrets in the list
 * are ignored.
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
    const description = textAt(token, 'Description');
    if (accessor === undefined || asString(property(token, 'AuthMethod')) !== method) return [];
    const meta = description.startsWith(DESCRIPTION)
      ? parseJson(description.slice(DESCRIPTION.length))
      : undefined;
    const uid = textAt(meta, 'pod-uid');
    if (uid === '' || asString(property(meta, 'owner')) !== owner) return [];
    const created = Date.parse(textAt(token, 'CreateTime'));
    return [{ accessor, uid, services: servicesOf(token), created }];
  });
}

function servicesOf(token: unknown): string {
  const names = elementsAt(token, 'ServiceIdentities').map((each) => property(each, 'ServiceName'));
  return names.map(String).toSorted().join();
}

// A login without an answer is repeated within seconds; a container that keeps crashing restarts at least every 5 minutes.
const AFTER_NEXT = 10 * 60_000;

/** Tokens that a container had before its restart: the running container logged in later, and long ago. */
export function formerTokens(tokens: readonly PodToken[]): readonly PodToken[] {
  const newest = new Map<string, number>();
  const holder = ({ uid, services }: PodToken): string => JSON.stringify([uid, services]);
  for (const token of tokens)
    newest.set(holder(token), Math.max(newest.get(holder(token)) ?? token.created, token.created));
  // A time that cannot be read proves nothing.
  return tokens.filter((token) => token.created + AFTER_NEXT <= (newest.get(holder(token)) ?? NaN));
}
