/** The plain port beside the TLS port: health for the kubelet, metrics for Prometheus. */
import { fastify } from 'fastify';

export type StatusDependencies = {
  /** Undefined when ready, else the reason why not. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
};

export function statusServer({ notReady, metrics, metricsType }: StatusDependencies) {
  const server = fastify({ logger: false });
  server.get('/', async (_request, reply) =>
    reply.type('text/plain').send('Tandem webhook\n\n/health/live\n/health/ready\n/metrics\n'),
  );
  server.get('/health/live', async () => ({ status: 'ok' }));
  server.get('/health/ready', async (_request, reply) => {
    const reason = notReady();
    return reason === undefined ? { status: 'ok' } : reply.code(503).send({ status: 'not ready', reason });
  });
  server.get('/metrics', async (_request, reply) => reply.type(metricsType).send(await metrics()));
  return server;
}
