/** What a caller sees when something inside is wrong. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import dns from 'node:dns';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { generateServing } from '../../../src/certificates/generate.ts';
import { podReview, responseOf, startWebhook } from './running-webhook.ts';

test('a bug in the engine is a valid answer with an error id that the log has, and no stack', async () => {
  const webhook = await startWebhook({
    inject: () => {
      throw new Error('broken inside');
    },
  });
  try {
    const answer = await webhook.review(podReview());
    const { uid, allowed, status } = responseOf(answer);
    assert.deepEqual([answer.status, uid, allowed, status?.['code']], [200, 'uid-1', false, 500]);
    assert.match(String(status?.['message']), /error-1/);
    assert.doesNotMatch(answer.body, /broken inside|at .*\.ts/);
    const [outcome] = webhook.outcomes;
    assert.deepEqual(
      [outcome?.result, outcome?.errorId, String(outcome?.error)],
      ['error', 'error-1', 'Error: broken inside'],
    );
  } finally {
    await webhook.stop();
  }
});

test('readiness is false while the certificate cannot be served', async () => {
  let problem: string | undefined = 'the certificate has expired';
  const webhook = await startWebhook({ certificateProblem: () => problem });
  try {
    const status = `http://127.0.0.1:${webhook.statusPort}`;
    assert.equal((await webhook.send({ method: 'GET', path: '/health/ready' })).status, 503);
    const plain = await fetch(`${status}/health/ready`);
    assert.deepEqual([plain.status, await plain.json()], [503, { status: 'not ready', reason: problem }]);
    assert.equal((await fetch(`${status}/health/live`)).status, 200);
    problem = undefined;
    assert.equal((await webhook.send({ method: 'GET', path: '/health/ready' })).status, 204);
    assert.equal((await fetch(`${status}/health/ready`)).status, 200);
  } finally {
    await webhook.stop();
  }
});

test('the plain port lists what it has', async () => {
  const webhook = await startWebhook();
  try {
    const origin = `http://127.0.0.1:${webhook.statusPort}`;
    const paths = [...(await (await fetch(origin)).text()).matchAll(/href="\.(\/[^"]+)"/g)].map(
      ([, path]) => path,
    );
    assert.ok(paths.length >= 3);
    for (const path of paths) assert.equal((await fetch(`${origin}${path}`)).status, 200, path);
  } finally {
    await webhook.stop();
  }
});

test('what is reported of a request does not grow with it', async () => {
  const webhook = await startWebhook();
  try {
    const long = 'x'.repeat(100_000);
    const { body } = await webhook.review(
      podReview({ uid: long, namespace: long, name: long, object: null }),
    );
    assert.equal((JSON.parse(body) as { response: { uid: string } }).response.uid, long);
    const [outcome] = webhook.outcomes;
    assert.ok(JSON.stringify(outcome).length < 1500);
  } finally {
    await webhook.stop();
  }
});

test('where localhost has two addresses, neither keeps the old certificate', async (context) => {
  // Not every machine has both in its hosts file.
  context.mock.method(dns, 'lookup', (name: string, _options: dns.LookupAllOptions, done: LookupDone) => {
    const addresses = name === 'localhost' ? ['127.0.0.1', '::1'] : [name];
    const found = addresses.map((address) => ({ address, family: isIP(address) }));
    process.nextTick(() => done(null, found));
  });
  const webhook = await startWebhook({}, 'localhost');
  try {
    const next = generateServing(webhook.ca, ['localhost'], Date.now());
    webhook.exchange(next);
    const served = await Promise.all(['127.0.0.1', '::1'].map((host) => serialAt(host, webhook.port)));
    const expected = new X509Certificate(next.certificate).serialNumber;
    const found = served.filter((serial) => serial !== undefined);
    assert.ok(found.length > 0);
    assert.ok(found.every((serial) => serial === expected));
  } finally {
    await webhook.stop();
  }
});

type LookupDone = (error: null, addresses: readonly dns.LookupAddress[]) => void;

/** Undefined where nobody listens. */
function serialAt(host: string, port: number): Promise<string | undefined> {
  const socket = connect({ host, port, rejectUnauthorized: false });
  return new Promise((resolve) => {
    socket.on('error', () => resolve(undefined));
    socket.on('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber);
      socket.destroy();
    });
  });
}

test('a port that is taken is an error that names it', async () => {
  const webhook = await startWebhook();
  try {
    const other = startWebhook();
    const { server, stop } = await other;
    const taken = { host: '127.0.0.1', port: webhook.port };
    await assert.rejects(server.listen(taken, taken), /cannot listen on 127\.0\.0\.1:\d+/);
    await stop();
  } finally {
    await webhook.stop();
  }
});
