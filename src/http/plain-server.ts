/** The plain port of a process without a status page: health for the kubelet, metrics for Prometheus. */
import { createServer, type Server } from 'node:http';

type PlainDependencies = {
  readonly isReady: () => boolean;
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
};

// The kubelet and Prometheus.
const MOST_CONNECTIONS = 64;

export function plainServer({ isReady, metrics, metricsType }: PlainDependencies): Server {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(text);
    };
    if (request.url === '/health/live') answer(200, 'ok\n');
    else if (request.url === '/health/ready')
      answer(isReady() ? 200 : 503, isReady() ? 'ok\n' : 'not ready\n');
    else if (request.url === '/metrics')
      void metrics().then(
        (text) => answer(200, text, metricsType),
        () => answer(500, 'the metrics could not be read\n'),
      );
    else answer(404, 'not found\n');
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
