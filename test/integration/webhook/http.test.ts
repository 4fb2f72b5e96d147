/** The HTTP layer on a real TLS socket. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { generateServing } from '../../../src/certificates/generate.ts';
import { podReview, responseOf, startWebhook, type RunningWebhook } from './running-webhook.ts';

let webhook: RunningWebhook;
const JSON_TYPE = { 'content-type': 'application/json' };
before(async () => (webhook = await startWebhook()));
after(() => webhook.stop());

test('a pod that asks for it comes back with a patch, in the version and with the uid of the request', async () => {
  for (const version of ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1']) {
    const answer = await webhook.review(podReview({ uid: 'abc' }, version));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal((JSON.parse(answer.body) as { apiVersion: string }).apiVersion, version);
    const response = responseOf(answer);
    assert.deepEqual(
      [response['uid'], response['allowed'], response['patchType']],
      ['abc', true, 'JSONPatch'],
    );
    const patch = JSON.parse(Buffer.from(String(response['patch']), 'base64').toString()) as {
      path: string;
    }[];
    assert.ok(patch.some(({ path }) => path === '/spec/initContainers'));
  }
});

test('application/json is taken with and without a charset', async () => {
  const body = JSON.stringify(podReview());
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
  ]) {
    assert.equal((await webhook.send({ headers: { 'content-type': type } }, body)).status, 200, type);
  }
});

const refusals: readonly [string, number, RegExp, () => Promise<{ status: number; body: string }>][] = [
  [
    'another type',
    415,
    /content type is not application\/json/,
    () => webhook.send({ headers: { 'content-type': 'text/plain' } }, '{}'),
  ],
  ['no type', 415, /content type/, () => webhook.send({}, '{}')],
  ['no body', 400, /no body/, () => webhook.send({ headers: JSON_TYPE })],
  [
    'broken JSON',
    400,
    /not JSON, error at position/,
    () => webhook.send({ headers: JSON_TYPE }, '{"a":"secret", b}'),
  ],
  ['no review', 400, /expected an AdmissionReview/, () => webhook.send({ headers: JSON_TYPE }, '[]')],
  [
    'no request',
    400,
    /has no request/,
    () => webhook.review({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }),
  ],
  ['no uid', 400, /no uid/, () => webhook.review(podReview({ uid: 7 }))],
  [
    'an unknown version',
    400,
    /"admission.k8s.io\/v2"/,
    () => webhook.review(podReview({}, 'admission.k8s.io/v2')),
  ],
  ['another method', 405, /not POST/, () => webhook.send({ method: 'GET' })],
  ['another path', 404, /POST \/mutate/, () => webhook.send({ path: '/', headers: JSON_TYPE }, '{}')],
  [
    'a bad default',
    400,
    /neither on nor off/,
    () => webhook.send({ path: '/mutate?default=maybe', headers: JSON_TYPE }, '{}'),
  ],
];

for (const [what, status, why, send] of refusals) {
  test(`${what}: ${status}, and the text says which`, async () => {
    const answer = await send();
    assert.equal(answer.status, status);
    assert.match(answer.body, why);
    assert.doesNotMatch(answer.body, /secret/);
  });
}

test('every other method names the one that works, on all paths', async () => {
  for (const path of [
    '/mutate',
    '/mutate?default=on',
    '/mutate/default-on',
    '/mutate/transparent-proxy-on',
  ]) {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'TRACE']) {
      const { status, headers } = await webhook.send({ path, method });
      assert.deepEqual([status, headers['allow']], [405, 'POST'], `${method} ${path}`);
    }
  }
});

test('8 MiB: 413 before the body is sent, and the text says which', async () => {
  const socket = await tls();
  socket.write(
    'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 8388608\r\n\r\n',
  );
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^HTTP\/1.1 413 [^]*larger than 7340032 bytes/);
  socket.destroy();
});

test('a body of 6 MiB is taken', async () => {
  const annotations = { note: 'x'.repeat(6 * 1024 * 1024) };
  const answer = await webhook.review(podReview({ object: { metadata: { annotations }, spec: {} } }));
  assert.deepEqual([answer.status, responseOf(answer)['allowed']], [200, true]);
});

test('another kind is allowed without a patch', async () => {
  const answer = await webhook.review(
    podReview({ kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }),
  );
  assert.deepEqual(responseOf(answer), { uid: 'uid-1', allowed: true });
  assert.equal(webhook.outcomes.at(-1)?.reason, 'unsupported-request');
});

test('a namespace opts in by the path, or by the query', async () => {
  const review = JSON.stringify(
    podReview({ object: { metadata: {}, spec: { containers: [{ name: 'web' }] } } }),
  );
  for (const [path, patched] of [
    ['/mutate', false],
    ['/mutate?default=off', false],
    ['/mutate?default=on', true],
    ['/mutate/default-on', true],
  ] as const) {
    const answer = await webhook.send({ path, headers: JSON_TYPE }, review);
    assert.equal('patch' in responseOf(answer), patched, path);
  }
});

const paths = [
  ['/mutate/transparent-proxy-on', 'not injected'],
  ['/mutate/transparent-proxy-off', 'not injected'],
  ['/mutate/default-on', 'injected'],
  ['/mutate/default-on/transparent-proxy-on', 'redirected'],
  ['/mutate/default-on/transparent-proxy-off', 'injected'],
] as const;

test('each path of the six webhook entries has what the labels of its namespaces say', async () => {
  for (const [path, meant] of paths) assert.equal(await outcomeAt(path, {}), meant, path);
});

test('an annotation of a pod beats the path', async () => {
  const asked = {
    'consul.hashicorp.com/connect-inject': 'true',
    'consul.hashicorp.com/transparent-proxy': 'false',
  };
  assert.equal(await outcomeAt('/mutate/transparent-proxy-on', asked), 'injected');
  const on = { ...asked, 'consul.hashicorp.com/transparent-proxy': 'true' };
  assert.equal(await outcomeAt('/mutate/default-on/transparent-proxy-off', on), 'redirected');
});

test('a namespace without transparent proxy is an answer to exclusions, no answer is none', async () => {
  const excluding = { 'consul.hashicorp.com/transparent-proxy-exclude-uids': '100' };
  assert.equal(await outcomeAt('/mutate/default-on/transparent-proxy-off', excluding), 'injected');
  assert.equal(await outcomeAt('/mutate/default-on', excluding), 'denied');
});

async function outcomeAt(path: string, annotations: object): Promise<string> {
  const object = { metadata: { annotations }, spec: { containers: [{ name: 'web' }] } };
  const { allowed, patch } = responseOf(
    await webhook.send({ path, headers: JSON_TYPE }, JSON.stringify(podReview({ object }))),
  );
  if (allowed !== true) return 'denied';
  if (patch === undefined) return 'not injected';
  const text = Buffer.from(patch as string, 'base64').toString();
  return text.includes('consul-connect-redirect') ? 'redirected' : 'injected';
}

test('a denied pod says what is wrong, all of it', async () => {
  const annotations = {
    'consul.hashicorp.com/connect-inject': 'true',
    'consul.hashicorp.com/connect-service-upstreams': 'db',
    'consul.hashicorp.com/sidecar-proxy-cpu-limit': 'fast',
  };
  const answer = await webhook.review(
    podReview({ object: { metadata: { annotations }, spec: { containers: [{ name: 'web' }] } } }),
  );
  const { allowed, status } = responseOf(answer);
  assert.equal(allowed, false);
  assert.deepEqual([status?.['code'], status?.['reason']], [422, 'Invalid']);
  assert.match(
    String(status?.['message']),
    /connect-service-upstreams: "db": no ":".*sidecar-proxy-cpu-limit: "fast"/,
  );
});

test('keys of the prototype are data', async () => {
  const body = JSON.stringify(podReview()).replace(
    '"metadata":{',
    '"metadata":{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}},',
  );
  const answer = await webhook.send({ headers: JSON_TYPE }, body);
  assert.deepEqual([answer.status, responseOf(answer)['allowed']], [200, true]);
  assert.equal(({} as Record<string, unknown>)['a'], undefined);
});

test('the connection outlives the 90 seconds for which an API server keeps it', async () => {
  const answer = await webhook.review(podReview(), new Agent({ keepAlive: true }));
  const seconds = Number(/timeout=(\d+)/.exec(String(answer.headers['keep-alive']))?.[1]);
  assert.ok(seconds > 90, String(answer.headers['keep-alive']));
});

test('TLS 1.1 is refused', async () => {
  const socket = connect({
    host: '127.0.0.1',
    port: webhook.port,
    ca: webhook.ca.certificate,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /version|alert|protocol/i);
});

test('1,000 requests while the certificate is exchanged again and again: none fails, and the new one is served', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const pairs = [1, 2, 3].map(() => generateServing(webhook.ca, ['127.0.0.1'], Date.now()));
  const statuses: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    webhook.exchange(pairs[round % 3] ?? assert.fail());
    // Half of the requests are on connections of their own, so that handshakes meet the exchange.
    const sent = Array.from({ length: 20 }, (_, index) =>
      webhook.review(podReview(), index % 2 === 0 ? agent : new Agent()),
    );
    webhook.exchange(pairs[(round + 1) % 3] ?? assert.fail());
    statuses.push(...(await Promise.all(sent)).map(({ status }) => status));
  }
  agent.destroy();
  assert.deepEqual([statuses.length, statuses.filter((status) => status !== 200)], [1000, []]);
  const socket = await tls();
  const last = new X509Certificate(pairs[50 % 3]?.certificate ?? assert.fail());
  assert.equal(socket.getPeerX509Certificate()?.serialNumber, last.serialNumber);
  socket.destroy();
});

test('200 connections at once are all answered', async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => webhook.review(podReview(), new Agent())),
  );
  assert.ok(answers.every(({ status }) => status === 200));
});

test('half a request and a slow client do not keep others waiting', async () => {
  const half = await tls();
  half.write(
    'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"half":',
  );
  const slow = await tls();
  const body = JSON.stringify(podReview());
  slow.write(
    `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
  );
  slow.write(body.slice(0, 40));
  assert.equal((await webhook.review(podReview())).status, 200);
  half.destroy();
  slow.write(body.slice(40));
  const [chunk] = (await once(slow, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^HTTP\/1.1 200 /);
  slow.destroy();
});

async function tls(): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: webhook.port, ca: webhook.ca.certificate });
  await once(socket, 'secureConnect');
  return socket;
}
