/** The plain port of a process: health for the kubelet, metrics for Prometheus, and what else it has to tell. */
import { fastify } from 'fastify';

export type StatusDependencies = {
  /** What the port belongs to. */
  readonly title: string;
  /** Undefined when ready, else the reason why not. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  /** Path → what is answered as JSON. */
  readonly documents: Readonly<Record<string, () => unknown>>;
};

export function statusServer(dependencies: StatusDependencies) {
  const { title, notReady, metrics, metricsType, documents } = dependencies;
  const server = fastify({ logger: false });
  const paths = ['/health/live', '/health/ready', '/metrics', ...Object.keys(documents)];
  server.get('/', async (_request, reply) =>
    reply.type('text/plain').send(`${title}\n\n${paths.join('\n')}\n`),
  );
  server.get('/health/live', async () => ({ status: 'ok' }));
  server.get('/health/ready', async (_request, reply) => {
    const reason = notReady();
    return reason === undefined ? { status: 'ok' } : reply.code(503).send({ status: 'not ready', reason });
  });
  server.get('/metrics', async (_request, reply) => reply.type(metricsType).send(await metrics()));
  for (const [path, document] of Object.entries(documents)) server.get(path, async () => document());
  return server;
}
