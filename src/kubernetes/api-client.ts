/** Requests to the API server: JSON in and out, over connections that stay open. */
import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { aborted } from '../support/aborted.ts';
import { connectionReason } from '../support/connection-reason.ts';
import { TandemError } from '../support/errors.ts';
import { parseWholeNumber } from '../support/text.ts';

export type Credentials = {
  readonly tls: SecureContextOptions & {
    readonly rejectUnauthorized?: boolean;
    readonly servername?: string;
  };
  readonly headers: Readonly<Record<string, string>>;
  /** Connects through a proxy; undefined connects directly. */
  readonly proxy: HttpAgent | undefined;
};

export type ClusterAccess = {
  /** `https://host:port`, perhaps with a path; without a slash at the end. */
  readonly server: string;
  /** Namespace of the context or of the pod. */
  readonly namespace: string | undefined;
  /** Asked before each request: tokens and certificates rotate. */
  readonly credentials: () => Promise<Credentials>;
  /** The server did not accept the credentials: the next ones are fetched again. */
  readonly renew: (refused: Credentials) => void;
};

export type ApiAnswer = {
  readonly status: number;
  /** The object, list or Status; or the beginning of the text if a refusal is not JSON, such as that of a proxy. */
  readonly body: unknown;
  /** Its size in memory: the characters of the text, plus ELEMENT for each element or field. */
  readonly weight: number;
  readonly headers: IncomingMessage['headers'];
};

/** What answers a watch: a stream, or a refusal. */
export type WatchAnswer =
  { readonly kind: 'stream'; readonly stream: IncomingMessage } | ({ readonly kind: 'refused' } & ApiAnswer);

export type ApiClient = {
  /**
   * Any status is an answer.
   *
   * @param path with the query
   * @param body of a PATCH: a JSON patch, when it is a list, else a merge patch
   * @param most weight of an answer: a heavier one is not read to its end, and its body is undefined
   * @throws TandemError TANDEM_KUBERNETES_UNREACHABLE when there is no whole answer in time,
   *   TANDEM_KUBERNETES_GARBLED when a success is no JSON
   */
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    most?: number,
  ) => Promise<ApiAnswer>;
  /**
   * Resolves when the server has begun to answer; the signal also ends the stream.
   *
   * @throws TandemError TANDEM_KUBERNETES_UNREACHABLE
   */
  readonly watch: (path: string, signal: AbortSignal) => Promise<WatchAnswer>;
  /** Ends the connections. */
  readonly close: () => void;
};

type Call = {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
};

// The API server itself gives up after a minute (kube-apiserver --request-timeout), and its answer says more than our silence.
const TIMEOUT = 65_000;
// An HTML page says what it is in its first lines.
const REFUSAL_CHARACTERS = 500;
// As client-go does: under the idle timeouts of load balancers, and a node that vanished is noticed within the minute.
const KEEP_ALIVE = { keepAlive: true, keepAliveMsecs: 30_000 };

/**
 * HTTP by Node's own client, credentials by the official one, whose generated classes would build a second object for each
 * that was parsed.
 *
 * @param timeout milliseconds until a whole answer, or the beginning of a watch
 * @param mayWrite called for each request that is not a GET once its credentials are there, which may take a plugin seconds;
 *   if it returns false, the request throws TandemError TANDEM_NOT_LEADING
 */
export function apiClient(
  access: ClusterAccess,
  timeout = TIMEOUT,
  mayWrite = (): boolean => true,
): ApiClient {
  const agents = agentPool(access.server);

  /** Resolves with the head of the answer. */
  const send = async ({ method, path, body, signal }: Call): Promise<IncomingMessage> => {
    const credentials = await unlessAborted(access.credentials(), signal);
    if (method !== 'GET' && !mayWrite()) throw notLeading(method, path);
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const url = new URL(access.server + path);
    const options: RequestOptions = {
      method,
      agent: credentials.proxy ?? agents.agentFor(credentials),
      headers: {
        // The keys that verify tokens come only as the second type.
        accept: 'application/json, application/jwk-set+json',
        'user-agent': 'tandem',
        ...(content === undefined
          ? {}
          : { 'content-type': contentType(method, body), 'content-length': content.byteLength }),
        ...credentials.headers,
      },
    };
    return new Promise((resolve, reject) => {
      const outgoing = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, options, (incoming) => {
        if (incoming.statusCode === 401) access.renew(credentials);
        // The reader gets the error; without a listener, one after the last byte would end the process.
        incoming.on('error', () => undefined);
        incoming.once('end', release);
        resolve(incoming);
      });
      const release = abortWith(signal, outgoing);
      outgoing.once('close', release);
      outgoing.on('error', reject);
      outgoing.end(content);
    });
  };

  const read = async (incoming: IncomingMessage, most = Infinity): Promise<ApiAnswer> => {
    const { statusCode: status = 0, headers } = incoming;
    let text = '';
    let weight = 0;
    for await (const chunk of incoming.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      weight += chunk.length + ELEMENT * commas(chunk);
      // Leaving the loop ends the connection.
      if (weight > most) return { status, body: undefined, weight, headers };
    }
    return { status, body: parsed(text, status), weight, headers };
  };

  return {
    request: (method, path, body, signal, most) =>
      withDeadline(timeout, signal, `${method} ${path}`, async (limited) =>
        read(await send({ method, path, body, signal: limited }), most),
      ),
    watch: (path, signal) =>
      withDeadline(timeout, signal, `GET ${path}`, async (limited) => {
        const stream = await send({ method: 'GET', path, body: undefined, signal: limited });
        if (stream.statusCode === 200) return { kind: 'stream', stream };
        return { kind: 'refused', ...(await read(stream)) };
      }),
    close: () => agents.close(),
  };
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-update */
function contentType(method: string, body: unknown): string {
  if (method !== 'PATCH') return 'application/json';
  return Array.isArray(body) ? 'application/json-patch+json' : 'application/merge-patch+json';
}

/** Seconds that the server asks to wait (RFC 9110, 10.2.3; the API server sends no dates), as milliseconds. */
export function retryAfter(answer: ApiAnswer): number {
  return (parseWholeNumber(answer.headers['retry-after'] ?? '') ?? 0) * 1000;
}

type AgentPool = { readonly agentFor: (credentials: Credentials) => HttpAgent; readonly close: () => void };

/** One agent as long as the TLS material is the same: with other material it would reuse connections of the old one. */
function agentPool(server: string): AgentPool {
  let held: { readonly material: string; readonly agent: HttpAgent } | undefined;
  const discard = (): void => {
    // Connections in use are kept until they end.
    for (const sockets of Object.values(held?.agent.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
  };
  return {
    agentFor: ({ tls }) => {
      const material = Object.entries(tls).flat().map(String).join('\n');
      if (held?.material === material) return held.agent;
      discard();
      const agent = server.startsWith('http:')
        ? new HttpAgent(KEEP_ALIVE)
        : new HttpsAgent({ ...KEEP_ALIVE, ...tls });
      held = { material, agent };
      return agent;
    },
    close: () => held?.agent.destroy(),
  };
}

/**
 * As the option `signal` of Node's request, but without an error: when the last byte has come and is not read yet, the socket
 * goes back to the agent at once, and the error, which then has no listener, ends the process.
 */
function abortWith(signal: AbortSignal, outgoing: ClientRequest): () => void {
  const abort = (): void => void outgoing.destroy();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return () => signal.removeEventListener('abort', abort);
}

/** A credential plugin may hang, as one that waits for somebody to type. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = aborted(signal).then(() => {
    throw signal.reason;
  });
  return Promise.race([work, late]);
}

/** The signal that `run` gets is aborted by the given one, at any time, and by the deadline, until `run` is done. */
async function withDeadline<T>(
  timeout: number,
  signal: AbortSignal | undefined,
  place: string,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeout);
  const limited = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    return await run(limited);
  } catch (cause) {
    if (cause instanceof TandemError) throw cause;
    const reason =
      signal?.aborted === true
        ? 'it was stopped'
        : deadline.signal.aborted
          ? `no answer within ${timeout} ms`
          : connectionReason(cause);
    throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', `${place}: ${reason}`, cause);
  } finally {
    clearTimeout(timer);
  }
}

function parsed(content: string, status: number): unknown {
  try {
    return JSON.parse(content);
  } catch {
    if (status >= 300) return content.slice(0, REFUSAL_CHARACTERS);
    const message = `the answer of the API server is not JSON; it begins with ${JSON.stringify(content.slice(0, 40))}`;
    throw new TandemError('TANDEM_KUBERNETES_GARBLED', message);
  }
}

function notLeading(method: string, path: string): TandemError {
  return new TandemError('TANDEM_NOT_LEADING', `${method} ${path}: this replica no longer leads`);
}

// V8 takes 64 bytes for "{}," in a list, and about three for a character of ordinary objects, text and all.
const ELEMENT = 20;

function commas(text: string): number {
  let count = 0;
  for (let at = text.indexOf(','); at >= 0; at = text.indexOf(',', at + 1)) count += 1;
  return count;
}
