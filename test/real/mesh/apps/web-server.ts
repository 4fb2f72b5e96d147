/**
 * An HTTP application: `web-server.ts <name> <port>` answers with its name. At SIGTERM it takes no further connection, ends
 * its open requests, and then itself, as a well-behaved one does.
 */
import { createServer } from 'node:http';

const [name = '', port = ''] = process.argv.slice(2);
let open = 0;
let isStopping = false;
const server = createServer((_request, response) => {
  open += 1;
  response.once('close', () => {
    open -= 1;
    endWhenIdle();
  });
  response.end(name);
});
// Longer than any client of the tests keeps a connection idle.
server.keepAliveTimeout = 60_000;
// The kubelet asks it too.
server.listen(Number(port));
process.once('SIGTERM', () => {
  isStopping = true;
  server.close();
  endWhenIdle();
});

function endWhenIdle(): void {
  if (isStopping && open === 0) process.exit(0);
}
