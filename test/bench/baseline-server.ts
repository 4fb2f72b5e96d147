/** The baseline of the benchmark: node:https alone, which reads a body and answers a constant of the webhook's size. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

const valueOf = (flag: string): string =>
  process.argv.find((argument) => argument.startsWith(flag))?.split('=')[1] ?? '';
const answer = 'x'.repeat(Number(valueOf('--answer-size=')));
const server = createServer(
  { cert: readFileSync(valueOf('--tls-cert-file=')), key: readFileSync(valueOf('--tls-key-file=')) },
  (request, response) => {
    request.resume();
    request.on('end', () => response.end(answer));
  },
);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ tls: `127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
