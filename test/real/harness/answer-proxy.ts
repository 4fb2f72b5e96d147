/** An HTTP proxy in front of Consul that sees every request, and may answer something else. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Scene } from './scene.ts';

export type Seen = { readonly method: string; readonly path: string; readonly body: string };

export type ProxiedAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Undefined lets the answer of Consul through. */
export type Rewrite = (seen: Seen, answer: ProxiedAnswer) => ProxiedAnswer | undefined;

export type AnswerProxy = {
  readonly url: string;
  /** Of everything from now on; undefined ends it. */
  readonly rewrite: (rewrite: Rewrite | undefined) => void;
  /** Called with each request before Consul gets it. */
  readonly onRequest: (listener: (seen: Seen) => void) => void;
  readonly requests: () => readonly Seen[];
  /** Forgets the requests so far. */
  readonly forget: () => void;
};

export async function startAnswerProxy(scene: Scene, target: string): Promise<AnswerProxy> {
  let seen: Seen[] = [];
  let rewriting: Rewrite | undefined;
  let listener: (seen: Seen) => void = () => undefined;
  const server = createServer((incoming, outgoing) => {
    const serve = async (): Promise<void> => {
      const { method = 'GET', url: path = '/' } = incoming;
      const request = { method, path, body: await text(incoming) };
      seen.push(request);
      listener(request);
      const answer = await forward(target, request, incoming.headers);
      const { status, headers, body } = rewriting?.(request, answer) ?? answer;
      outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
      outgoing.end(body);
    };
    // Either side is gone, and then there is nobody to tell.
    serve().catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    rewrite: (rewrite) => (rewriting = rewrite),
    onRequest: (call) => (listener = call),
    requests: () => seen,
    forget: () => (seen = []),
  };
}

/** Those that write. */
export function writesOf(requests: readonly Seen[]): readonly Seen[] {
  return requests.filter(({ method }) => method !== 'GET');
}

/** How many instances, nodes and checks the transactions remove. */
export function removalsOf(requests: readonly Seen[]): number {
  return writesOf(requests).reduce((sum, { body }) => sum + body.split('"Verb":"delete"').length - 1, 0);
}

async function forward(
  target: string,
  { method, path, body }: Seen,
  headers: IncomingMessage['headers'],
): Promise<ProxiedAnswer> {
  const kept = Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name));
  const outgoing = httpRequest(new URL(path, target), { method, headers: Object.fromEntries(kept) });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const content = await text(incoming);
  const given = Object.entries(incoming.headers).filter(
    (pair): pair is [string, string] => !OF_CONNECTION.has(pair[0]) && typeof pair[1] === 'string',
  );
  return { status: incoming.statusCode ?? 0, headers: Object.fromEntries(given), body: content };
}

const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'transfer-encoding',
]);
