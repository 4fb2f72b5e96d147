/** Plays rediscommander/redis-commander: shows whether the Redis of REDIS_HOSTS (`label:host:port`) answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';

const { HOST = '127.0.0.1', PORT = '', REDIS_HOSTS = '' } = process.env;
const [label = '', host = '', port = ''] = REDIS_HOSTS.split(':');

async function page(): Promise<string> {
  const socket = connect(Number(port), host);
  socket.write('PING\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return `${label}: ${answer.toString().trim()}`;
}

createServer((_request, response) => {
  page().then(
    (text) => response.end(text),
    (error: unknown) => response.writeHead(503).end(String(error)),
  );
}).listen(Number(PORT), HOST);
// As the first process of a container it would not be ended by the signal alone.
process.once('SIGTERM', () => process.exit(0));
