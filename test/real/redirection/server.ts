/** An application on all addresses: HTTP on 8080 and 9999, a greeting on 9090, gRPC's health on 50051. */
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import { CHECK, framed, SERVING } from '../harness/grpc-health.ts';

/** Paths that are there, and what they answer. */
const answers: Readonly<Record<string, string>> = {
  '/healthz': '/healthz',
  '/started': '/started',
  '/stopping': '/stopping',
  '/who': process.env['WHO'] ?? '',
};

for (const port of [8080, 9999])
  createServer(({ url = '' }, answer) => {
    process.stdout.write(`asked for ${url}\n`);
    answer.writeHead(url in answers ? 200 : 404).end(`${answers[url] ?? url} on ${port}\n`);
  }).listen(port, '::');
createTcpServer((socket) => socket.on('error', () => undefined).end('hello\n')).listen(9090, '::');
createHttp2Server()
  .on('stream', (stream, { ':path': path }) => {
    const isThere = path === CHECK;
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isThere ? '0' : '12' }));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(isThere ? framed(SERVING) : undefined);
  })
  .listen(50_051, '::');
process.once('SIGTERM', () => process.exit(0));
