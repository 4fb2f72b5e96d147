/** The client of Consul: calls with the token, over the servers. Reads and writes are functions over it. */
import type { ConsulSettings } from '../config/consul-settings.ts';
import { hasCode } from '../support/errors.ts';
import { openCaFile } from './ca-file.ts';
import { loginToken } from './login.ts';
import { servers, type Call, type RequestReport, type Servers } from './servers.ts';
import { fileToken, fixedToken, type TokenSource } from './token-source.ts';
import { createTransport } from './transport.ts';

export type ConsulCalls = {
  /**
   * @throws TandemError TANDEM_CONSUL_… or TANDEM_FILE_UNREADABLE; the reason of the signal when that aborts
   */
  readonly call: <T>(call: Call<T>) => Promise<T>;
};

/** Also calls agents, with the token and the CA of the servers. */
export type OpenConsul = ConsulCalls & {
  /** It sends no token. With ACLs, an answer that hides something does not say so then. */
  readonly isAnonymous: boolean;
  /** Calls to one address, such as the agent of a node, with the same token. */
  readonly at: (address: string) => ConsulCalls;
  /** This address is no longer in use: calls that wait for it move to another. */
  readonly leave: (address: string) => void;
  /** Logs out when it had logged in, and closes all connections. */
  readonly close: () => Promise<void>;
};

export type ConsulOptions = Omit<ConsulSettings, 'addresses' | 'https'> & {
  /** `http://host:port` or `https://host:port`; asked for each call, so that they may change. */
  readonly addresses: () => readonly string[];
  /** Name that the certificates of agents must carry; undefined: `serverName`. */
  readonly agentServerName?: string | undefined;
  /** Called after each request to each server. */
  readonly onRequest?: ((report: RequestReport) => void) | undefined;
  /** Asked before each request that writes; by default it may. */
  readonly mayWrite?: (() => boolean) | undefined;
  /** The file of the CA has a new content that cannot be used; the old one stays. */
  readonly onCaProblem?: (reason: string) => void;
};

/** @throws TandemError TANDEM_FILE_UNREADABLE when the CA cannot be read */
export async function openConsul(options: ConsulOptions): Promise<OpenConsul> {
  const { addresses, caFile, serverName, datacenter, namespace } = options;
  const { agentServerName = serverName, onRequest = () => undefined, mayWrite = () => true } = options;
  const { onCaProblem = () => undefined } = options;
  const ca = caFile === undefined ? undefined : await openCaFile(caFile, onCaProblem);
  const transport = createTransport({ ca: ca?.current, serverName });
  const toAgents = createTransport({ ca: ca?.current, serverName: agentServerName });
  const query = { dc: datacenter, ns: namespace };
  const all = servers({ addresses, transport, query, onRequest, mayWrite });
  const tokens = tokenSource(options.token, all);
  return {
    isAnonymous: options.token.kind === 'none',
    call: (call) => callWithToken(all, tokens, call),
    leave: transport.leave,
    at: (address) => {
      // An agent knows its own datacenter, and only that.
      const one = servers({
        addresses: () => [address],
        transport: toAgents,
        query: { ns: namespace },
        onRequest,
        mayWrite,
      });
      return { call: (call) => callWithToken(one, tokens, call) };
    },
    close: async () => {
      await tokens.end();
      ca?.close();
      await Promise.all([transport.close(), toAgents.close()]);
    },
  };
}

/** A refused token is replaced once for a call, if the source has another one. */
async function callWithToken<T>(all: Servers, tokens: TokenSource, call: Call<T>): Promise<T> {
  const token = await tokens.current();
  try {
    return await all.call(call, token);
  } catch (error) {
    const isForbidden = hasCode(error, 'TANDEM_CONSUL_FORBIDDEN');
    if (!isForbidden || token === undefined || !tokens.refused(token, error.message)) throw error;
    return all.call(call, await tokens.current());
  }
}

function tokenSource(token: ConsulSettings['token'], all: Servers): TokenSource {
  switch (token.kind) {
    case 'none':
      return fixedToken(undefined);
    case 'value':
      return fixedToken(token.value);
    case 'file':
      return fileToken(token.path);
    case 'login':
      return loginToken(all, token);
  }
}
