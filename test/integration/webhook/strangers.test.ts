/** What somebody who only reaches the TLS port can do to those who need it: nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { podReview, startWebhook, type RunningWebhook } from './running-webhook.ts';

const MIB = 1024 * 1024;

function headers(length: number | 'chunked'): string {
  const size = length === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${length}`;
  return `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${size}\r\n\r\n`;
}

async function tls({ port, ca }: RunningWebhook, localAddress = '127.0.0.1'): Promise<TLSSocket> {
  const tcp = connectTcp({ host: '127.0.0.1', port, localAddress }).on('error', () => undefined);
  const socket = connect({ socket: tcp, host: '127.0.0.1', ca: ca.certificate });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

function answerOf(socket: Socket): Promise<string> {
  return once(socket, 'data').then(([chunk]) => String(chunk));
}

async function withWebhook(
  use: (webhook: RunningWebhook) => Promise<void>,
  overrides: Parameters<typeof startWebhook>[0] = {},
): Promise<void> {
  const webhook = await startWebhook(overrides);
  try {
    await use(webhook);
  } finally {
    await webhook.server.stop(0, { withUnused: 0, withRequests: 0 });
  }
}

for (const form of ['content-length', 'chunked'] as const) {
  test(`bodies of more than 32 MiB that do not end (${form}): one gets 503 at once, an ordinary pod is answered`, () =>
    withWebhook(async (webhook) => {
      const sockets = await Promise.all(Array.from({ length: 5 }, () => tls(webhook)));
      const refused = Promise.any(sockets.map(answerOf));
      for (const socket of sockets) {
        socket.write(headers(form === 'chunked' ? form : 7 * MIB));
        if (form === 'chunked') socket.write(`${(7 * MIB).toString(16)}\r\n`);
        socket.write(Buffer.alloc(7 * MIB - 1, ' '));
      }
      assert.match(await refused, /^HTTP\/1.1 503 [^]*retry-after: 1\r\n[^]*too many bytes/i);
      assert.equal(webhook.refusals[0], 'body-budget');
      const answers = await Promise.all(Array.from({ length: 20 }, () => webhook.review(podReview())));
      assert.ok(answers.every(({ status }) => status === 200));
      for (const socket of sockets) socket.destroy();
    }));
}

test('room that was taken is given back, whatever becomes of the request', () =>
  withWebhook(async (webhook) => {
    for (let round = 0; round < 12; round += 1) {
      const left = await tls(webhook);
      left.write(headers(7 * MIB));
      left.write(Buffer.alloc(6 * MIB, ' '), () => left.destroy());
      await once(left, 'close');
      const { status } = await webhook.send(
        { headers: { 'content-type': 'application/json' } },
        ' '.repeat(6 * MIB),
      );
      assert.equal(status, 400);
    }
    assert.deepEqual(webhook.refusals, []);
  }));

for (const form of ['content-length', 'chunked'] as const) {
  test(`a body that does not arrive (${form}): 408 after five seconds, and the connection ends`, () =>
    withWebhook(async (webhook) => {
      const socket = await tls(webhook);
      socket.write(headers(form === 'chunked' ? form : 100));
      socket.write(form === 'chunked' ? '1\r\n{\r\n' : '{');
      const closed = once(socket, 'close');
      // A client that dribbles on is no better off.
      const dribble = setInterval(() => socket.write(form === 'chunked' ? '1\r\n \r\n' : ' '), 400);
      assert.match(await answerOf(socket), /^HTTP\/1.1 408 [^]*did not arrive within 5 s/);
      await closed;
      clearInterval(dribble);
      assert.deepEqual(webhook.refusals, ['slow-body']);
      assert.deepEqual(webhook.outcomes, []);
    }));
}

test('a body above the limit that does not say so before: 413, and nothing more is read', () =>
  withWebhook(async (webhook) => {
    const socket = await tls(webhook);
    socket.write(headers('chunked'));
    socket.write(`${(8 * MIB).toString(16)}\r\n`);
    socket.write(Buffer.alloc(8 * MIB, ' '));
    assert.match(await answerOf(socket), /^HTTP\/1.1 413 [^]*larger than 7340032 bytes/);
    assert.deepEqual(webhook.refusals, ['body-too-large']);
  }));

test('a small body with more values than any pod can have is not parsed', () =>
  withWebhook(async (webhook) => {
    const values = `[${'{},'.repeat(MIB)}{}]`;
    const { status, body } = await webhook.send(
      { headers: { 'content-type': 'application/json' } },
      `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"a","object":${values}}}`,
    );
    assert.equal(status, 413);
    assert.match(body, /more than 300000 values/);
    assert.deepEqual(webhook.refusals, ['too-many-values']);
  }));

const manyUpstreams = Array.from({ length: 30 }, (_, index) => `s${index}:${2000 + index}`).join(',');
/** Of 20 kB, which many pods have. */
const usual = podIn('usual', { annotation: 'x'.repeat(20_000) });

/** The text of a request; with all these upstreams the answer takes long. */
function podIn(namespace: string, { upstreams = '', annotation = '' }): string {
  const annotations = {
    'consul.hashicorp.com/connect-inject': 'true',
    'consul.hashicorp.com/connect-service-upstreams': upstreams,
    'example.com/any': annotation,
  };
  const containers = Array.from({ length: 12 }, (_, index) => ({ name: `c${index}`, image: 'x' }));
  const object = { metadata: { name: 'web', annotations }, spec: { containers } };
  const body = JSON.stringify(podReview({ namespace, object }));
  return headers(body.length) + body;
}

function largeIn(namespace: string): string {
  return podIn(namespace, { upstreams: manyUpstreams });
}

test('pods of one namespace whose answers take long: of those of another, none waits for more than one of them', async () => {
  const requests = [...Array.from({ length: 10 }, () => largeIn('stranger')), largeIn('other'), usual];
  const answered: string[] = [];
  const all = Promise.withResolvers<void>();
  await withWebhook(
    async (webhook) => {
      const socket = await tls(webhook);
      // In one piece, so that one turn has them all, in this order.
      socket.resume().write(requests.join(''));
      await all.promise;
      assert.deepEqual(answered.slice(0, 3), ['injected usual', 'injected stranger', 'injected other']);
      socket.destroy();
    },
    {
      onAdmission: ({ result, namespace }) => {
        if (answered.push(`${result} ${namespace}`) === requests.length) all.resolve();
      },
    },
  );
});

test('who writes the namespaces of others, or ones that do not exist, is one asker among the clients', async () => {
  const forged = Array.from({ length: 60 }, (_, index) =>
    largeIn(index % 2 === 0 ? 'shop' : `forged-${index}`),
  );
  const answered: string[] = [];
  const all = Promise.withResolvers<void>();
  let server: TLSSocket | undefined;
  await withWebhook(
    async (webhook) => {
      const stranger = await tls(webhook, '127.0.0.2');
      server = await tls(webhook);
      stranger.resume().write(forged.join(''));
      await all.promise;
      // A turn answers one of the stranger's, and it takes a few until what the API server sends is there.
      assert.ok(answered.indexOf('usual') < 8, `behind ${answered.indexOf('usual')}`);
      assert.ok(answered.indexOf('orders') < 10, `behind ${answered.indexOf('orders')}`);
      stranger.destroy();
      server.destroy();
    },
    {
      onAdmission: ({ namespace = '' }) => {
        const count = answered.push(namespace);
        if (count === 1) server?.resume().write(largeIn('orders') + usual);
        if (count === forged.length + 2) all.resolve();
      },
    },
  );
});

test('an answer that is not taken is given up', async () => {
  const refused = Promise.withResolvers<string>();
  const patch = 'x'.repeat(30 * MIB);
  await withWebhook(
    async (webhook) => {
      const socket = await tls(webhook);
      const body = JSON.stringify(podReview());
      socket.write(headers(body.length) + body);
      socket.pause();
      assert.equal(await refused.promise, 'slow-answer');
      socket.destroy();
    },
    { inject: () => ({ kind: 'inject', patch, warnings: [] }), onRefusal: refused.resolve },
  );
});

test('1,000 connections that say nothing: the one that has been idle longest goes, and the port stays ready', () =>
  withWebhook(async (webhook) => {
    // Neither of the first two is idle longest: a request is in flight, and one has just been answered.
    const half = await tls(webhook);
    half.write(headers(2));
    const used = await tls(webhook);
    const silent: Socket[] = [await tls(webhook)];
    while (silent.length < 998) {
      const tcp = connectTcp(webhook.port, '127.0.0.1').on('error', () => undefined);
      await once(tcp, 'connect');
      silent.push(tcp);
    }
    used.write('GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(await answerOf(used), /^HTTP\/1.1 204/);
    const gone = once(silent[0] ?? assert.fail(), 'close');
    const answers = await Promise.all(Array.from({ length: 20 }, () => webhook.review(podReview())));
    assert.ok(answers.every(({ status }) => status === 200));
    await gone;
    assert.ok(webhook.refusals.length >= 1 && webhook.refusals.length <= 20);
    assert.ok(webhook.refusals.every((reason) => reason === 'connection-evicted'));
    assert.equal((await fetch(`http://127.0.0.1:${webhook.statusPort}/health/ready`)).status, 200);
    half.write('{}');
    assert.match(await answerOf(half), /^HTTP\/1.1 400/);
    for (const socket of [...silent, half, used]) socket.destroy();
  }));

test('1,000 connections with half a request each: a new one still gets its answer', () =>
  withWebhook(async (webhook) => {
    const halves: Socket[] = [];
    while (halves.length < 1000) {
      const opened = await Promise.all(Array.from({ length: 100 }, () => tls(webhook)));
      for (const socket of opened) socket.write(`${headers(100)}{`);
      halves.push(...opened);
    }
    assert.equal((await webhook.review(podReview())).status, 200);
    for (const socket of halves) socket.destroy();
  }));

test('connections to the plain port that say nothing do not keep the kubelet out', () =>
  withWebhook(async ({ statusPort }) => {
    const silent: Socket[] = [];
    for (let index = 0; index < 400; index += 1) {
      const socket = connectTcp(statusPort, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      silent.push(socket);
    }
    assert.equal((await fetch(`http://127.0.0.1:${statusPort}/health/live`)).status, 200);
    for (const socket of silent) socket.destroy();
  }));
