/**
 * Does from inside of a pod what a test asks for: `GET /?connect=<host>:<port>&send=<text>` opens a connection, sends the text
 * and answers with what comes back until a second after the first bytes, as JSON { received } or { error }; and
 * `GET /?get=<url>` answers as that URL does.
 */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

const SILENT_MILLISECONDS = 5000;
// The kernel has no default for the first process of a container.
process.once('SIGTERM', () => process.exit(0));

createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://relay');
  const url = searchParams.get('get');
  const place = searchParams.get('connect');
  if (url !== null) void fetched(url).then((answer) => response.end(answer));
  else if (place !== null) exchange(place, searchParams.get('send') ?? '', (answer) => response.end(answer));
  else response.end('ready\n');
}).listen(8080);

/** Over a connection of its own: an intention is looked at when one is opened. */
async function fetched(url: string): Promise<string> {
  const outgoing = get(url, { agent: false, timeout: SILENT_MILLISECONDS });
  outgoing.on('timeout', () => outgoing.destroy(new Error('silent')));
  try {
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return JSON.stringify({ status: incoming.statusCode, body: await text(incoming) });
  } catch (error) {
    return JSON.stringify({ error: String(error) });
  }
}

function exchange(place: string, message: string, answer: (json: string) => void): void {
  const [host, port] = place.split(':');
  let received = '';
  const socket = connect(Number(port), host, () => socket.write(message));
  socket.setEncoding('latin1').setTimeout(SILENT_MILLISECONDS, () => socket.destroy(new Error('silent')));
  socket.on('data', (chunk: string) => {
    received += chunk;
    socket.end();
  });
  let problem: string | undefined;
  socket.on('error', (error) => (problem = error.message));
  socket.on('close', () => answer(JSON.stringify(problem === undefined ? { received } : { error: problem })));
}
