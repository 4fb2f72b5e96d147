import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { fastify } from 'fastify';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { admissionQueue } from '../../../src/http/admission-queue.ts';
import type { Engine } from '../../../src/http/answer-admission.ts';
import { byteBudget } from '../../../src/http/byte-budget.ts';
import { readBody } from '../../../src/http/read-body.ts';
import { podReview } from './running-webhook.ts';

const KIB = 1024;
const ENGINE: Engine = {
  decide: () => ({
    kind: 'inject',
    patch: 'x'.repeat(7 * KIB),
    warnings: [],
  }),
  passesOnBug: false,
  smallBytes: 64 * KIB,
  mostValues: 1000,
};

test('a request that has to go for the answer of one of the same turn is refused, and nothing ends with it', async (t) => {
  const told: string[] = [];
  const enqueue = admissionQueue({
    newErrorId: () => 'error-1',
    onAdmission: ({ result }) => told.push(result),
    onRefusal: (reason) => told.push(reason),
    isDraining: () => false,
  });
  const budget = byteBudget(16 * KIB, () => 0);
  const ca = await generateCa(Date.now());
  const { certificate: cert, key } = await generateServing(ca, ['127.0.0.1'], Date.now());
  const server = fastify({ https: { cert, key } });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', (request, _payload, done) =>
    readBody(request.raw, { size: 16 * KIB, patience: 5000, budget }, (outcome) => {
      if (outcome.kind === 'body') done(null, outcome.body);
      else done(new Error(outcome.reason));
    }),
  );
  server.post('/', (request, reply) => enqueue(request, reply, ENGINE));
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, ca: ca.certificate });
  const post = (body: string): string =>
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  t.after(async () => {
    client.destroy();
    await server.close();
  });
  const body = JSON.stringify(podReview());
  let text = '';
  client.on('data', (chunk) => (text += String(chunk)));
  // In one piece, so that one turn answers both; the second is larger than the answer of the first, which is larger than its body.
  client.write(post(body) + post(body.padEnd(12 * KIB)));
  await once(client, 'close');
  assert.deepEqual(text.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 503']);
  assert.deepEqual(told, ['body-budget', 'injected']);
});
