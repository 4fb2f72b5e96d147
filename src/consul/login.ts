/** A token by login: an ACL auth method of Consul exchanges the token of a service account for one of its own. */
import { property } from '../support/json.ts';
import { secret, type Secret } from '../support/secret.ts';
import { textIs } from '../model/decode-consul.ts';
import type { Servers } from './servers.ts';
import { readSecretFile, type TokenSource } from './token-source.ts';

type Login = {
  readonly method: string;
  /** The token that is shown to the auth method; read at each login, because Kubernetes renews it. */
  readonly bearerTokenFile: string;
};

// A role that changed since may cause `Permission denied`, and each login writes a token to Consul: so one a minute at most
// for that. `ACL not found` says that the token is gone, and only a login helps.
const PERMISSION_MILLISECONDS = 60_000;
// At the start of Consul's text: it answers 403 to whatever contains these words, such as a name that a stranger chose.
const NO_SUCH_TOKEN = /: status \d+, "(rpc error making call: |token does not exist: )*ACL not found/i;
// A process that ends has seconds left for everything.
const LOGOUT_MILLISECONDS = 2000;

/**
 * Logs in at the first request, again when Consul refuses the token, and out at the end (`POST /v1/acl/login` and
 * `/v1/acl/logout`).
 *
 * @param now milliseconds
 */
export function loginToken(servers: Servers, login: Login, now: () => number = Date.now): TokenSource {
  let pending: Promise<Secret> | undefined;
  let since = 0;
  const held = new Set<Secret>();

  async function enter(): Promise<Secret> {
    const token = await exchange(servers, login);
    held.add(token);
    since = now();
    return token;
  }

  return {
    current: () => {
      pending ??= enter().catch((error: unknown) => {
        pending = undefined;
        throw error;
      });
      return pending;
    },
    refused: (token, text) => {
      // Another request may have logged in since this one left.
      if (!held.has(token)) return true;
      if (!NO_SUCH_TOKEN.test(text) && now() - since < PERMISSION_MILLISECONDS) return false;
      held.delete(token);
      pending = undefined;
      void leave(servers, token);
      return true;
    },
    end: async () => {
      pending = undefined;
      await Promise.all([...held].map((token) => leave(servers, token)));
      held.clear();
    },
  };
}

async function exchange(servers: Servers, { method, bearerTokenFile }: Login): Promise<Secret> {
  const bearer = await readSecretFile(bearerTokenFile);
  const body = { AuthMethod: method, BearerToken: bearer.reveal(), Meta: { component: 'tandem' } };
  return servers.call(
    {
      endpoint: 'login',
      method: 'POST',
      path: '/v1/acl/login',
      body: JSON.stringify(body),
      conceals: bearer,
      read: ({ text }) => secret(textIs(property(parsed(text), 'SecretID'), 'SecretID')),
    },
    undefined,
  );
}

/** Half an answer contains the token, too, so no message shows any of it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('not JSON');
  }
}

/** If the token is gone already, that is fine, and at the end nobody is left to try again. */
async function leave(servers: Servers, token: Secret): Promise<void> {
  await servers
    .call(
      {
        endpoint: 'logout',
        method: 'POST',
        path: '/v1/acl/logout',
        timeout: LOGOUT_MILLISECONDS,
        read: () => undefined,
      },
      token,
    )
    .catch(() => undefined);
}
