/** Plays hashicorp/dashboard-service: shows what the counting service answers. */
import { createServer } from 'node:http';

const { HOST = '127.0.0.1', PORT = '', COUNTING_SERVICE_URL = '' } = process.env;

async function page(): Promise<string> {
  const { count } = (await (await fetch(COUNTING_SERVICE_URL)).json()) as { readonly count: number };
  return `Count: ${count}`;
}

createServer((_request, response) => {
  page().then(
    (text) => response.end(text),
    (error: unknown) => response.writeHead(503).end(String(error)),
  );
}).listen(Number(PORT), HOST);
// As the first process of a container it would not be ended by the signal alone.
process.once('SIGTERM', () => process.exit(0));
