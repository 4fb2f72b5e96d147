/** An application on 127.0.0.1: answers a connection with its name and a line end, then with what it gets. */
import { createServer } from 'node:net';

const [name = '', port = ''] = process.argv.slice(2);
createServer((socket) => {
  // A peer that is cut off by an intention is no concern of the application.
  socket.on('error', () => socket.destroy());
  socket.write(`${name}\n`);
  socket.pipe(socket);
}).listen(Number(port), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
