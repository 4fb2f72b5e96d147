/** An application on 0.0.0.0: HTTP on 8080 and 9999, and a greeting on 9090. */
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';

for (const port of [8080, 9999])
  createServer(({ url }, answer) => {
    answer.writeHead(url === '/healthz' ? 200 : 404).end(`${url} on ${port}\n`);
  }).listen(port, '0.0.0.0');
createTcpServer((socket) => socket.on('error', () => undefined).end('hello\n')).listen(9090, '0.0.0.0');
process.once('SIGTERM', () => process.exit(0));
