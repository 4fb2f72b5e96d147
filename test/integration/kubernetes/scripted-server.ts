/** An API server on a socket that answers as a script says, request by request. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { apiClient, type ApiClient, type ClusterAccess } from '../../../src/kubernetes/api-client.ts';

export type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
};

export type Reply = (response: ServerResponse, request: SeenRequest) => void;

export type ScriptedServer = {
  readonly url: string;
  readonly client: ApiClient;
  readonly requests: readonly SeenRequest[];
  /** One more reply; a request for which there is none yet waits for it. */
  readonly reply: (...replies: Reply[]) => void;
  readonly close: () => void;
};

export async function scriptedServer(timeout?: number): Promise<ScriptedServer> {
  const replies: Reply[] = [];
  const open: { readonly response: ServerResponse; readonly request: SeenRequest }[] = [];
  const requests: SeenRequest[] = [];
  const serve = (): void => {
    while (open.length > 0 && replies.length > 0) {
      const next = open.shift();
      if (next !== undefined) replies.shift()?.(next.response, next.request);
    }
  };
  const take = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const content = await text(incoming);
    const url = new URL(incoming.url ?? '', 'http://server');
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: content === '' ? undefined : (JSON.parse(content) as unknown),
    };
    requests.push(request);
    open.push({ response, request });
    serve();
  };
  const server = createServer((incoming, response) => void take(incoming, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = apiClient(anonymous(url), timeout);
  return {
    url,
    client,
    requests,
    reply: (...more) => {
      replies.push(...more);
      serve();
    },
    close: () => {
      client.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

export function anonymous(server: string): ClusterAccess {
  const credentials = { tls: {}, headers: {}, proxy: undefined };
  return {
    server,
    namespace: undefined,
    credentials: () => Promise.resolve(credentials),
    renew: () => undefined,
  };
}

export const json =
  (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

export const status = (code: number, headers: Readonly<Record<string, string>> = {}): Reply =>
  json({ kind: 'Status', code, message: `status ${code}` }, code, headers);

export const service = (name: string, version: number, color: string): object => ({
  metadata: { name, namespace: 'default', resourceVersion: String(version), labels: { color } },
});

export const list = (version: number, items: readonly object[], next = ''): Reply =>
  json({ kind: 'List', metadata: { resourceVersion: String(version), continue: next }, items });

export const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

export const bookmark = (version: number): string =>
  event('BOOKMARK', { metadata: { resourceVersion: String(version) } });

/** A watch with these lines; it stays open unless told what else. */
export const watch =
  (lines: readonly string[], end: 'open' | 'close' | 'reset' = 'open'): Reply =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    response.write(lines.join(''), () => {
      if (end === 'close') response.end();
      if (end === 'reset') response.socket?.resetAndDestroy();
    });
  };
