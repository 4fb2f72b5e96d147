/** HTTP servers on loopback that answer, or fail, as a script says. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { openConsul, type ConsulOptions, type OpenConsul } from '../../../src/consul/client.ts';
import type { RequestReport } from '../../../src/consul/servers.ts';

export type Seen = {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly token: string | undefined;
  readonly body: string;
};

export type Reply = (response: ServerResponse, seen: Seen, request: IncomingMessage) => void;

export type FakeConsul = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  /** Connections that were opened so far. */
  readonly connections: () => number;
  /** The most of them that were open at a time. */
  readonly atOnce: () => number;
  readonly close: () => Promise<void>;
};

/** Each request gets the next reply, and the last one again and again. */
export async function fakeConsul(...replies: readonly Reply[]): Promise<FakeConsul> {
  const seen: Seen[] = [];
  let connections = 0;
  let open = 0;
  let atOnce = 0;
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await text(request);
      const { method = '', url = '', headers } = request;
      const entry = { method, url, token: headers['x-consul-token'] as string | undefined, body };
      const reply = replies[Math.min(seen.length, replies.length - 1)];
      seen.push(entry);
      reply?.(response, entry, request);
    };
    // A request whose client went away has no body.
    answer().catch(() => undefined);
  });
  server.on('connection', (socket) => {
    connections += 1;
    open += 1;
    atOnce = Math.max(atOnce, open);
    socket.once('close', () => (open -= 1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await once(server.close(), 'close');
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    connections: () => connections,
    atOnce: () => atOnce,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function status(code: number, body: string, type = 'text/plain; charset=utf-8'): Reply {
  return (response) => response.writeHead(code, { 'content-type': type }).end(body);
}

export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) =>
    response
      .writeHead(200, { 'content-type': 'application/json', 'x-consul-knownleader': 'true', ...headers })
      .end(JSON.stringify(value));
}

/** Takes the request and says nothing. */
export const blackHole: Reply = () => undefined;

export const html = status(200, '<html><body>Welcome to the proxy</body></html>', 'text/html');

/** Cuts the connection before a byte of the answer. */
export const reset: Reply = (_response, _seen, request) => request.socket.resetAndDestroy();

/** Says how long the answer is, sends half of it, and closes. */
export const truncated: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"Node":', () => response.socket?.end());
};

/** A client that is closed with its scope, and what it reported. */
export async function clientOf(
  addresses: readonly string[] | (() => readonly string[]),
  options: Partial<ConsulOptions> = {},
): Promise<{ client: OpenConsul; reports: RequestReport[] } & AsyncDisposable> {
  const reports: RequestReport[] = [];
  const client = await openConsul({
    addresses: typeof addresses === 'function' ? addresses : () => addresses,
    token: { kind: 'none' },
    caFile: undefined,
    serverName: undefined,
    datacenter: undefined,
    namespace: undefined,
    onRequest: (report) => reports.push(report),
    ...options,
  });
  return { client, reports, [Symbol.asyncDispose]: () => client.close() };
}

/** A port of loopback on which nobody listens. */
export async function refusingAddress(): Promise<string> {
  const server = await fakeConsul();
  await server.close();
  return server.url;
}

export type Wakeable = {
  /** Something may have become true. */
  readonly wake: () => void;
  /** Resolves when it holds, which is asked at each wake; rejects after 60 s, more than a busy machine needs. */
  readonly until: (what: string, holds: () => boolean) => Promise<void>;
};

export function wakeable(): Wakeable {
  const waiting = new Set<() => void>();
  return {
    wake: () => {
      for (const each of waiting) each();
    },
    until: (what, holds) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`not in 60 s: ${what}`)), 60_000);
        const check = (): void => {
          if (!holds()) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}
