/** Consul's HTTP API on loopback, over the catalog in memory. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseFilter } from './filter.ts';
import { failure, type Reply } from './reply.ts';
import { routes, type Route } from './routes.ts';
import type { Store } from './store.ts';

// Consul, "Blocking Queries": 5 minutes unless told, 10 at most.
const WAIT_MILLISECONDS = 300_000;
const MAX_WAIT_MILLISECONDS = 600_000;

/** Parameters that would change the answer and are not understood here; to leave them out would answer wrong. */
const UNSUPPORTED = ['node-meta', 'peer'];

/** Does not listen yet. */
export function createHttpServer(store: Store): Server {
  return createServer((request, response) => {
    // A client that went away has no use for an answer.
    answer(store, request, response).catch(() => response.destroy());
  });
}

async function answer(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://embedded');
  const found = findRoute(url.pathname);
  if (found === undefined)
    return send(response, store, failure(404, 'Invalid URL path: not a recognized HTTP API endpoint'));
  const { route, argument } = found;
  const methods = route.kind === 'read' ? ['GET', 'HEAD'] : ['PUT'];
  if (!methods.includes(request.method ?? ''))
    return send(response, store, failure(405, `method ${request.method} not allowed`));
  if (route.kind === 'write') {
    const { reply, next } = route.answer(store.current(), await text(request));
    if (next !== undefined) store.replace(next);
    return send(response, store, reply);
  }
  const refusal = refusalOf(route, argument, url.searchParams, store.current().datacenter);
  if (refusal !== undefined) return send(response, store, refusal);
  await waitFor(store, url.searchParams, response);
  send(response, store, route.answer(store.current(), argument, url.searchParams));
}

function findRoute(path: string): { readonly route: Route; readonly argument: string } | undefined {
  const exact = routes.get(path);
  if (exact !== undefined && !path.endsWith('/')) return { route: exact, argument: '' };
  const first = path.indexOf('/', '/v1/'.length) + 1;
  // `/v1/config/` takes two segments, all others one.
  for (const end of [path.indexOf('/', first) + 1, first]) {
    const route = end === 0 ? undefined : routes.get(path.slice(0, end));
    if (route !== undefined) return { route, argument: decoded(path.slice(end)) };
  }
  return undefined;
}

// A broken escape names nothing that could be there.
function decoded(text_: string): string {
  try {
    return decodeURIComponent(text_);
  } catch {
    return text_;
  }
}

function refusalOf(
  route: Extract<Route, { kind: 'read' }>,
  argument: string,
  query: URLSearchParams,
  datacenter: string,
): Reply | undefined {
  if (route.missing !== undefined && argument === '') return failure(400, route.missing);
  const unsupported = UNSUPPORTED.find((name) => query.has(name));
  if (unsupported !== undefined)
    return failure(400, `the embedded catalog does not support the parameter ${unsupported}`);
  const filter = query.get('filter');
  if (filter !== null && parseFilter(filter) === undefined)
    return failure(
      400,
      'the embedded catalog does not support the parameter filter, but for FIELD == "TEXT"',
    );
  if (!/^[0-9]*$/.test(query.get('index') ?? '')) return failure(400, 'Invalid index');
  if (query.has('wait') && milliseconds(query.get('wait') ?? '') === undefined)
    return failure(400, 'Invalid wait time');
  if ((query.get('dc') ?? datacenter) !== datacenter) return failure(500, 'No path to datacenter');
  return undefined;
}

async function waitFor(store: Store, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const index = Number(query.get('index') ?? '0');
  if (index === 0) return;
  const wait = milliseconds(query.get('wait') ?? '') ?? WAIT_MILLISECONDS;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await store.changed(index, Math.min(wait || WAIT_MILLISECONDS, MAX_WAIT_MILLISECONDS), gone.signal);
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration as Go writes it: `5m`, `1m30s`, `250ms`. */
function milliseconds(duration: string): number | undefined {
  if (!/^(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s))+$/.test(duration)) return undefined;
  const parts = [...duration.matchAll(/([0-9.]+)(h|ms|m|s)/g)];
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0);
}

function send(response: ServerResponse, store: Store, reply: Reply): void {
  if (reply.kind === 'text') {
    response.writeHead(reply.status, { 'content-type': 'text/plain; charset=utf-8' }).end(reply.text);
    return;
  }
  const headers = {
    'x-consul-index': String(store.current().index),
    'x-consul-knownleader': 'true',
    'x-consul-lastcontact': '0',
  };
  response
    .writeHead(reply.kind === 'json' ? reply.status : 200, {
      'content-type': 'application/json',
      ...(reply.kind === 'read' ? headers : {}),
    })
    .end(JSON.stringify(reply.value));
}
