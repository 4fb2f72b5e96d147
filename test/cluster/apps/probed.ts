/**
 * `probed.ts <port>` is up for probes of every kind as far as it is told: `GET /?started=1&live=1&ready=1` at that port; at first
 * it is nothing of it. TCP at the three ports behind it, HTTP at the next by the path, gRPC at the next by the service of the
 * health check, commands by a file each.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';

const PARTS = ['started', 'live', 'ready'];
const [told, first, http, grpc] = [0, 1, 4, 5].map((step) => Number(process.argv[2]) + step);
const up = new Set<string>();
// The kernel has no default for the first process of a container.
process.once('SIGTERM', () => process.exit(0));

const listeners = PARTS.map((what, index) => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).end());
  return (isUp: boolean): void => {
    if (isUp) writeFileSync(`/tmp/${what}`, '');
    else rmSync(`/tmp/${what}`, { force: true });
    if (isUp && !server.listening) server.listen(Number(first) + index);
    if (!isUp) server.close();
    if (isUp) up.add(what);
    else up.delete(what);
  };
});
for (const tell of listeners) tell(false);

createServer(({ url }, response) => {
  const { searchParams } = new URL(url ?? '', 'http://probed');
  listeners.forEach((tell, index) => tell(searchParams.has(PARTS[index] ?? '')));
  response.end('told\n');
}).listen(told);

createServer(({ url }, response) => {
  const { pathname } = new URL(url ?? '', 'http://probed');
  response.writeHead(up.has(pathname.slice(1)) ? 200 : 503).end();
}).listen(http);

// https://github.com/grpc/grpc/blob/master/doc/health-checking.md: the request has the name of the service, the answer SERVING (1)
// or NOT_SERVING (2), each as field 1 of a message behind one byte and the four of its length.
createHttp2Server()
  .on('stream', (stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const service = Buffer.concat(chunks).subarray(7).toString();
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, up.has(service) ? 1 : 2]));
    });
    stream.on('error', () => undefined);
  })
  .listen(grpc);
