/** The plain port of a process: a page for people, `/status` for programs, health for the kubelet, metrics for Prometheus. */
import { fastify } from 'fastify';
import { contentSecurityPolicy, pageOf, type PageFrame } from '../status-page/page.ts';
import { formerStatus } from '../status-page/former-status.ts';
import type { Status } from '../status-page/status.ts';
import { viewOf, type View } from '../status-page/view.ts';
import { viewQuery, type ViewQuery } from '../status-page/view-query.ts';
import { escapeJson } from '../support/text.ts';
import { trackConnections } from './connections.ts';
import { eventStream } from './event-stream.ts';
import { held } from './held.ts';

export type StatusDependencies = {
  /** What the port belongs to. */
  readonly title: string;
  readonly version: string;
  /** Undefined when ready, else the reason why not. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  readonly status: () => Status;
  /** Calls the listener after a change of the status, until the returned function is called. */
  readonly onStatusChange: (listener: () => void) => () => void;
};

const PATHS = ['/status', '/metrics', '/health/live', '/health/ready'];

// Nothing here reads a body.
const BODY_LIMIT = 1024;

// Readers of the page, the kubelet and Prometheus; strangers who only open connections do not keep them out.
const MOST_CONNECTIONS = 256;

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentSecurityPolicy,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export function statusServer(dependencies: StatusDependencies) {
  const { title, version, notReady, metrics, metricsType, onStatusChange } = dependencies;
  // With 100,000 rows it takes a tenth of a second, and whoever reaches the port may ask as often as they like.
  const status = held(dependencies.status);
  const server = fastify({ logger: false, bodyLimit: BODY_LIMIT });
  server.setReplySerializer((payload) => escapeJson(JSON.stringify(payload)));
  trackConnections(server.server, MOST_CONNECTIONS, () => undefined);
  const viewIn = (seen: Status) => (query: ViewQuery) => viewOf(seen, notReady(), query);
  const view = (query: ViewQuery): View => viewIn(status())(query);
  const frame = (): PageFrame => ({ title, version, now: new Date().toISOString(), paths: PATHS });
  const events = eventStream({ view, look: () => viewIn(dependencies.status()), onChange: onStatusChange });
  server.addHook('preClose', async () => events.close());
  server.get('/', async (request, reply) => {
    const query = viewQuery(request.query);
    return reply.headers(PAGE_HEADERS).send(pageOf(view(query), query, frame()));
  });
  // A HEAD request for a stream would be a reader that never leaves.
  server.get('/events', { exposeHeadRoute: false }, (request, reply) => {
    const { view: loaded } = request.query as Readonly<Record<string, unknown>>;
    const seen = request.headers['last-event-id'] ?? loaded;
    if (events.open(viewQuery(request.query), typeof seen === 'string' ? seen : undefined, reply.raw))
      reply.hijack();
    else void reply.code(503).send('too many readers\n');
  });
  server.get('/status', async () => {
    const seen = status();
    return { ...seen, ...formerStatus(seen) };
  });
  server.get('/health/live', async () => ({ status: 'ok' }));
  server.get('/health/ready', async (_request, reply) => {
    const reason = notReady();
    return reason === undefined ? { status: 'ok' } : reply.code(503).send({ status: 'not ready', reason });
  });
  server.get('/metrics', async (_request, reply) => reply.type(metricsType).send(await metrics()));
  return server;
}
