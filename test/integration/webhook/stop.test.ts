/** A stop that nobody can hold up, and that cuts off nobody too early. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startWebhook, type RunningWebhook } from './running-webhook.ts';

const HALF =
  'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{';
const NEVER = 60_000;

async function tls({ port, ca }: RunningWebhook): Promise<Socket> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: ca.certificate });
  await once(socket, 'secureConnect');
  return socket;
}

/** The server has seen what was written before: it answers one request at a time for each connection. */
async function serverIsAware(webhook: RunningWebhook): Promise<void> {
  assert.equal((await webhook.send({ method: 'GET', path: '/health/ready' })).status, 204);
}

test(
  'a connection on which nothing was ever asked does not hold up the stop',
  { timeout: 10_000 },
  async () => {
    const webhook = await startWebhook();
    const tcp = connectTcp(webhook.port, '127.0.0.1');
    await once(tcp, 'connect');
    const unused = [tcp, await tls(webhook)];
    await serverIsAware(webhook);
    const closed = Promise.all(
      unused.map((socket) => once(socket.on('error', () => undefined).resume(), 'close')),
    );
    await webhook.server.stop(0, { withUnused: 0, withRequests: NEVER });
    await closed;
  },
);

test('half a request is waited for, but not forever', { timeout: 10_000 }, async () => {
  const webhook = await startWebhook();
  const half = await tls(webhook);
  half.write(HALF);
  await serverIsAware(webhook);
  const closed = once(half.on('error', () => undefined).resume(), 'close');
  await webhook.server.stop(0, { withUnused: NEVER, withRequests: 0 });
  await closed;
});

test('a request that is finished while the server stops is answered, and its connection ends', async () => {
  const webhook = await startWebhook();
  const slow = await tls(webhook);
  slow.write(HALF);
  await serverIsAware(webhook);
  const stopped = webhook.server.stop(0, { withUnused: 0, withRequests: NEVER });
  slow.write(`${' '.repeat(98)}}`);
  const [answer] = (await once(slow, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1.1 400 [^]*connection: close/i);
  await stopped;
  slow.destroy();
});
