import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { fastify } from 'fastify';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { admissionQueue } from '../../../src/http/admission-queue.ts';
import type { Engine } from '../../../src/http/answer-admission.ts';
import { byteBudget } from '../../../src/http/byte-budget.ts';
import { readBody, type Body } from '../../../src/http/read-body.ts';
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
  takesLong: () => false,
  mostValues: 1000,
};

test('a request that has to go for the answer of one of the same turn is refused, and nothing ends with it', async (t) => {
  const told: string[] = [];
  const bodies: Body[] = [];
  const [client = assert.fail()] = await clientsOf(t, ENGINE, told, { bodies });
  const body = JSON.stringify(podReview());
  let text = '';
  client.on('data', (chunk) => (text += String(chunk)));
  // In one piece, so that one turn answers both; the second is larger than the answer of the first, which is larger than its body.
  client.write(post(body) + post(body.padEnd(12 * KIB)));
  await once(client, 'close');
  assert.deepEqual(text.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 503']);
  assert.deepEqual(told, ['body-budget', 'injected']);
  // Their room is given back, so they may not be kept.
  assert.deepEqual(
    bodies.map(({ bytes }) => bytes.length),
    [0, 0],
  );
});

test('requests that take long although they are small are answered in several turns', async (t) => {
  const told: string[] = [];
  const decide = (): ReturnType<Engine['decide']> => {
    told.push('decided');
    for (const start = performance.now(); performance.now() < start + 30;);
    return { kind: 'skip', reason: 'host-network', warnings: [] };
  };
  const [client = assert.fail()] = await clientsOf(t, { ...ENGINE, decide }, told);
  const body = JSON.stringify(podReview());
  client.resume().write(post(body) + post(body));
  while (told.length < 4) await turn();
  assert.deepEqual(told, ['decided', 'allowed', 'decided', 'allowed']);
});

test('a bug in the estimate of a request becomes an answer', async (t) => {
  const told: string[] = [];
  const takesLong: Engine['takesLong'] = () => assert.fail();
  const [client = assert.fail()] = await clientsOf(t, { ...ENGINE, takesLong }, told);
  client.write(post(JSON.stringify(podReview())));
  const [answer] = (await once(client, 'data')) as [Buffer];
  assert.match(String(answer), /^HTTP\/1.1 200 [^]*error id error-1/);
  assert.deepEqual(told, ['error']);
});

test('a large answer is sent before the next one is made: many small requests cannot fill the memory with them', async (t) => {
  const told: string[] = [];
  const decide = (): ReturnType<Engine['decide']> => {
    told.push('decided');
    return { kind: 'inject', patch: 'x'.repeat(600 * KIB), warnings: [] };
  };
  const clients = await clientsOf(t, { ...ENGINE, decide }, told, { count: 3, limit: 4096 * KIB });
  for (const client of clients) client.resume().write(post(JSON.stringify(podReview())));
  await Promise.all(clients.map((client) => once(client, 'end')));
  assert.deepEqual(told, ['decided', 'injected', 'decided', 'injected', 'decided', 'injected']);
});

test('a connection ends with a large answer, whose memory it would keep, and with no other', async (t) => {
  for (const [size, isKept] of [
    [100 * KIB, true],
    [200 * KIB, false],
  ] as const) {
    const decide: Engine['decide'] = () => ({ kind: 'inject', patch: 'x'.repeat(size), warnings: [] });
    const [client = assert.fail()] = await clientsOf(t, { ...ENGINE, decide }, [], { limit: 4096 * KIB });
    client.write(post(JSON.stringify(podReview())));
    const [head] = (await once(client, 'data')) as [Buffer];
    assert.equal(/^connection: close/im.test(String(head)), !isKept);
  }
});

const post = (body: string): string =>
  `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** Of one server, which ends with the test. @param told gets what became of each request, and `bodies` what it was given */
async function clientsOf(
  t: TestContext,
  engine: Engine,
  told: string[],
  {
    count = 1,
    limit = 16 * KIB,
    bodies = [],
  }: { readonly count?: number; readonly limit?: number; readonly bodies?: Body[] } = {},
): Promise<readonly TLSSocket[]> {
  const enqueue = admissionQueue({
    newErrorId: () => 'error-1',
    onAdmission: ({ result }) => told.push(result),
    onRefusal: (reason) => told.push(reason),
    isDraining: () => false,
  });
  const budget = byteBudget(limit, () => 0);
  const ca = await generateCa(Date.now());
  const { certificate: cert, key } = generateServing(ca, ['127.0.0.1'], Date.now());
  const server = fastify({ https: { cert, key } });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', (request, _payload, done) =>
    readBody(request.raw, { size: 16 * KIB, patience: 5000, budget }, (outcome) => {
      if (outcome.kind === 'body') done(null, outcome.body);
      else done(new Error(outcome.reason));
    }),
  );
  server.post('/', (request, reply) => {
    bodies.push(request.body as Body);
    enqueue(request, reply, engine);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const clients = Array.from({ length: count }, () =>
    connect({ host: '127.0.0.1', port, ca: ca.certificate }),
  );
  t.after(async () => {
    for (const client of clients) client.destroy();
    await server.close();
  });
  await Promise.all(clients.map((client) => once(client, 'secureConnect')));
  return clients;
}
