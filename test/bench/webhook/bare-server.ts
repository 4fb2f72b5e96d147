/**
 * What the webhook is measured against: a server that reads the body and answers a constant of the webhook's size.
 * `--server=fastify` as it comes, which parses JSON; `--server=node` is node:https alone, which only reads.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { fastify } from 'fastify';

const valueOf = (flag: string): string =>
  process.argv.find((argument) => argument.startsWith(flag))?.split('=')[1] ?? '';
const tls = {
  cert: readFileSync(valueOf('--tls-cert-file=')),
  key: readFileSync(valueOf('--tls-key-file=')),
};
const answer = 'x'.repeat(Number(valueOf('--answer-size=')));

const server: Server = valueOf('--server=') === 'fastify' ? await bareFastify() : bareNode();
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ tls: `127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));

function bareNode(): Server {
  return createServer(tls, (request, response) => {
    request.resume();
    request.on('end', () => response.end(answer));
  });
}

async function bareFastify(): Promise<Server> {
  const app = fastify({ https: tls });
  app.post('/mutate', (_request, reply) => reply.type('application/json').send(answer));
  await app.ready();
  return app.server;
}
