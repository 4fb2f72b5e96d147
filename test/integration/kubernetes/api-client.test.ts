/** Requests over a socket: what goes out, what comes back, and what a fault is called. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import {
  apiClient,
  retryAfter,
  type ClusterAccess,
  type Credentials,
} from '../../../src/kubernetes/api-client.ts';
import { TandemError } from '../../../src/support/errors.ts';
import { anonymous, json, scriptedServer, status, watch, type ScriptedServer } from './scripted-server.ts';

let server: ScriptedServer;
beforeEach(async () => {
  server = await scriptedServer();
});
afterEach(() => server.close());

const coded =
  (code: string, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof TandemError && error.code === code && message.test(error.message);

test('method, path, body and its type go out, and the answer comes back', async () => {
  server.reply(json({ kind: 'Service' }, 201, { 'x-more': 'yes' }));
  const answer = await server.client.request('PATCH', '/api/v1/x?a=b', { ü: 1 });
  assert.deepEqual([answer.status, answer.body, answer.headers['x-more']], [201, { kind: 'Service' }, 'yes']);
  const [request] = server.requests;
  assert.deepEqual(
    [request?.method, request?.path, request?.query.get('a'), request?.body],
    ['PATCH', '/api/v1/x', 'b', { ü: 1 }],
  );
  assert.deepEqual(
    [request?.headers['content-type'], request?.headers['content-length'], request?.headers.accept],
    ['application/merge-patch+json', '8', 'application/json, application/jwk-set+json'],
  );
  const others = [
    ['PATCH', [{ op: 'remove', path: '/x' }], 'application/json-patch+json'],
    ['POST', [], 'application/json'],
    ['PUT', {}, 'application/json'],
    ['GET', undefined, undefined],
  ] as const;
  for (const [method, body, type] of others) {
    server.reply(json({}));
    await server.client.request(method, '/x', body);
    assert.equal(server.requests.at(-1)?.headers['content-type'], type, method);
  }
});

test('a refusal is an answer, with the seconds that the server asks to wait', async () => {
  server.reply(status(429, { 'retry-after': '3' }), (response) => response.writeHead(502).end('<html>'));
  const answer = await server.client.request('GET', '/x');
  assert.deepEqual([answer.status, retryAfter(answer)], [429, 3000]);
  const page = await server.client.request('GET', '/x');
  assert.deepEqual([page.status, page.body, retryAfter(page)], [502, '<html>', 0]);
});

test('no JSON, no answer in time, half an answer, an abort and nobody there are coded errors', async () => {
  server.reply((response) => response.end('<html>'));
  await assert.rejects(server.client.request('GET', '/x'), coded('TANDEM_KUBERNETES_GARBLED', /<html>/));

  server.reply((response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('{', () => response.destroy());
  });
  await assert.rejects(
    server.client.request('GET', '/x'),
    coded('TANDEM_KUBERNETES_UNREACHABLE', /GET \/x: aborted/),
  );

  const hurried = apiClient(anonymous(server.url), 20);
  server.reply(
    () => undefined,
    (response) => response.writeHead(200).write('{"half"'),
  );
  for (const path of ['/silent', '/half'])
    await assert.rejects(
      hurried.request('GET', path),
      coded('TANDEM_KUBERNETES_UNREACHABLE', /no answer within 20 ms/),
    );
  await assert.rejects(
    hurried.watch('/x', new AbortController().signal),
    coded('TANDEM_KUBERNETES_UNREACHABLE', /no answer within 20 ms/),
  );
  hurried.close();

  const aborted = AbortSignal.abort();
  await assert.rejects(
    server.client.request('GET', '/x', undefined, aborted),
    coded('TANDEM_KUBERNETES_UNREACHABLE', /GET/),
  );
  const gone = await scriptedServer();
  gone.close();
  await assert.rejects(
    gone.client.request('GET', '/x'),
    coded('TANDEM_KUBERNETES_UNREACHABLE', /ECONNREFUSED/),
  );
});

test('connections are kept', async () => {
  const ports = new Set<number | undefined>();
  for (let times = 0; times < 3; times += 1) {
    server.reply((response, request) => {
      ports.add(response.socket?.remotePort);
      json({})(response, request);
    });
    await server.client.request('GET', '/x');
  }
  assert.equal(ports.size, 1);
});

test('a watch outlives the time for its beginning, and ends with its signal', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const client = apiClient(anonymous(server.url), 1000);
  const ending = new AbortController();
  let more = (): void => undefined;
  server.reply((response, request) => {
    watch(['first\n'])(response, request);
    more = () => void response.write('second\n');
  });
  const answer = await client.watch('/x', ending.signal);
  assert.ok(answer.kind === 'stream');
  const chunks = answer.stream.setEncoding('utf8')[Symbol.asyncIterator]();
  assert.equal((await chunks.next()).value, 'first\n');
  context.mock.timers.tick(2000);
  more();
  assert.equal((await chunks.next()).value, 'second\n');
  ending.abort();
  await assert.rejects(async () => chunks.next());
  client.close();
});

test('credentials are asked for each request, and made anew after a 401', async () => {
  let token = 0;
  let renewed = 0;
  const client = apiClient({
    ...anonymous(server.url),
    credentials: (): Promise<Credentials> =>
      Promise.resolve({
        tls: {},
        headers: { authorization: `Bearer ${(token += 1)}` },
        proxy: undefined,
      }),
    renew: () => {
      renewed += 1;
    },
  });
  server.reply(json({}), status(401), json({}));
  for (let times = 0; times < 3; times += 1) await client.request('GET', '/x');
  assert.deepEqual(
    [server.requests.map(({ headers }) => headers.authorization), renewed],
    [['Bearer 1', 'Bearer 2', 'Bearer 3'], 1],
  );
  client.close();
});

test('another CA is used from the next request on, and a server of none of them is not believed', async () => {
  const ca = await generateCa(Date.now());
  const { certificate, key } = generateServing(ca, ['127.0.0.1'], Date.now());
  const secure = createServer({ cert: certificate, key }, (_request, response) => response.end('{}'));
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  let trusted = (await generateCa(Date.now())).certificate;
  const client = apiClient({
    ...anonymous(`https://127.0.0.1:${(secure.address() as AddressInfo).port}`),
    credentials: () => Promise.resolve({ tls: { ca: trusted }, headers: {}, proxy: undefined }),
  });
  await assert.rejects(client.request('GET', '/x'), coded('TANDEM_KUBERNETES_UNREACHABLE', /certificate/));
  trusted = ca.certificate;
  assert.equal((await client.request('GET', '/x')).status, 200);
  client.close();
  secure.closeAllConnections();
  secure.close();
});

test('whoever does not lead any more when the credentials have come sends nothing that writes', async () => {
  let leads = true;
  const access: ClusterAccess = {
    ...anonymous(server.url),
    credentials: async () => {
      leads = false;
      return { tls: {}, headers: {}, proxy: undefined };
    },
  };
  const client = apiClient(access, 1000, () => leads);
  server.reply(json({}));
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    leads = true;
    await assert.rejects(client.request(method, '/x', {}), coded('TANDEM_NOT_LEADING', /no longer leads/));
  }
  await client.request('GET', '/x');
  assert.deepEqual(
    server.requests.map(({ method }) => method),
    ['GET'],
  );
  client.close();
});
