/** One request to one Consul server, over connections that stay open; the outcome is a value, whatever happened. */
import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { buildConnector, Pool } from 'undici';
import { connectionReason } from '../support/connection-reason.ts';
import { sharedLookup } from './shared-lookup.ts';

/** Each has connections of its own, so that none waits behind another: `blocking` ones are held until something changes. */
const lanes = ['plain', 'blocking', 'probe'] as const;
type Lane = (typeof lanes)[number];

export type Outgoing = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly lane: Lane;
  /** Milliseconds for the whole answer. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
};

export type Incoming =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly header: (name: string) => string | undefined;
      readonly text: string;
    }
  /** `sent` is false when the server cannot have seen the request. */
  | { readonly kind: 'no-answer'; readonly sent: boolean; readonly reason: string; readonly cause: unknown };

export type Transport = {
  /** @throws only the reason of the signal, when that aborts */
  readonly send: (address: string, outgoing: Outgoing) => Promise<Incoming>;
  /** Ends the blocking queries at a server that does not answer: each comes back as `no-answer`. */
  readonly abandon: (address: string) => void;
  /** Ends every call at a server that is gone: each comes back as `no-answer`. */
  readonly leave: (address: string) => void;
  readonly close: () => Promise<void>;
};

type Tls = {
  /** PEM, asked for at each new connection, because it may be renewed; undefined: the CAs of Node. */
  readonly ca: (() => string) | undefined;
  /** Name that the certificate must carry; undefined: the host of the address. */
  readonly serverName: string | undefined;
  /** Judges the certificate instead of Node, by what is trusted at this moment; returns what is wrong with it. */
  readonly judge?: (certificate: X509Certificate | undefined) => string | undefined;
};

// Consul closes connections above 200 for a client address (limits.http_max_conns_per_client). A blocking query keeps one
// for minutes.
const CONNECTIONS: Readonly<Record<Lane, number>> = { plain: 16, blocking: 64, probe: 2 };
// A connection to a healthy server takes a few round trips; the first lost packet is sent again after 1 s (RFC 6298).
const CONNECT_MILLISECONDS = 1000;
// 100,000 instances in one answer are about 80 MB; more than this is no answer of Consul.
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

/** Codes of errors that occur before the first byte of a request has left. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const CLOSED: Incoming = {
  kind: 'no-answer',
  sent: false,
  reason: 'this client is closed',
  cause: undefined,
};

/** The server accepted the request and closed the connection: because it stops, or fails at this very request. */
export function isCutOff(incoming: Incoming): boolean {
  return (
    incoming.kind === 'no-answer' &&
    incoming.sent &&
    ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(incoming.cause))
  );
}

export function createTransport({ ca, serverName, judge }: Tls): Transport {
  const pools = new Map<string, Pool>();
  const options = {
    timeout: CONNECT_MILLISECONDS,
    lookup: sharedLookup(),
    allowH2: false,
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  let isClosed = false;

  function poolOf(address: string, lane: Lane): Pool {
    const key = poolKey(address, lane);
    const known = pools.get(key);
    if (known !== undefined) return known;
    const pool = new Pool(address, {
      connections: CONNECTIONS[lane],
      connect: judge === undefined ? trusting(options, ca) : judged(options, judge),
      allowH2: false,
      // The timeout below limits a request instead: it covers the whole answer, not the time from one byte to the next.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: MAX_RESPONSE_BYTES,
    });
    pools.set(key, pool);
    return pool;
  }

  function discard(address: string, lane: Lane): void {
    const key = poolKey(address, lane);
    const pool = pools.get(key);
    pools.delete(key);
    void pool?.destroy(new Error('the server no longer answers'));
  }

  return {
    send: async (address, outgoing) => {
      if (isClosed) return CLOSED;
      // Perhaps one of several addresses failed, and the others remain to be tried.
      if (!isOrigin(address)) return { ...CLOSED, reason: 'this is not an address' };
      return exchange(poolOf(address, outgoing.lane), outgoing);
    },
    abandon: (address) => discard(address, 'blocking'),
    leave: (address) => {
      for (const lane of lanes) discard(address, lane);
    },
    close: async () => {
      isClosed = true;
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

/** Each new connection uses the current CA; no earlier session is resumed. */
function trusting(options: buildConnector.BuildOptions, ca: Tls['ca']): buildConnector.connector {
  if (ca === undefined) return buildConnector(options);
  let pem = ca();
  let connect = buildConnector({ ...options, ca: pem });
  return (target, callback) => {
    const now = ca();
    if (now !== pem) connect = buildConnector({ ...options, ca: now });
    pem = now;
    connect(target, callback);
  };
}

/** Nothing is sent before the certificate was judged. */
function judged(
  options: buildConnector.BuildOptions,
  judge: NonNullable<Tls['judge']>,
): buildConnector.connector {
  // A session that is resumed shows no certificate.
  const connect = buildConnector({ ...options, rejectUnauthorized: false, maxCachedSessions: 0 });
  return (target, callback) =>
    connect(target, (...result) => {
      const [error, socket] = result;
      const problem =
        error === null && socket instanceof TLSSocket ? judge(socket.getPeerX509Certificate()) : undefined;
      if (problem === undefined) return callback(...result);
      socket?.destroy();
      callback(new Error(problem), null);
    });
}

/** An address that the pool accepts, and in which no other host hides. */
function isOrigin(address: string): boolean {
  const url = URL.parse(address);
  return (
    url !== null &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username + url.password + url.search + url.hash === '' &&
    url.pathname === '/'
  );
}

function poolKey(address: string, lane: Lane): string {
  return `${lane} ${address}`;
}

async function exchange(pool: Pool, outgoing: Outgoing): Promise<Incoming> {
  const { method, path, headers, body, timeout, signal } = outgoing;
  signal?.throwIfAborted();
  const clock = new AbortController();
  const stop = (): void => clock.abort(signal?.reason);
  const timer = setTimeout(() => clock.abort(new Error(`no answer within ${timeout} ms`)), timeout);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const response = await pool.request({ method, path, headers, body: body ?? null, signal: clock.signal });
    const text = await response.body.text();
    const header = (name: string): string | undefined => [response.headers[name] ?? []].flat()[0];
    return { kind: 'answer', status: response.statusCode, header, text };
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = clock.signal.aborted ? `no answer within ${timeout} ms` : connectionReason(cause);
    return { kind: 'no-answer', sent: !NOT_SENT.has(codeOf(cause)), reason, cause };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
