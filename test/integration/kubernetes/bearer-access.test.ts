/** A token that is not the own one: it is shown alone, to the own server alone, and only a 401 says something about it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Agent } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import { isTokenRefused } from '../../../src/kubernetes/bearer-access.ts';
import type { ClusterAccess, Credentials } from '../../../src/kubernetes/api-client.ts';
import { secret } from '../../../src/support/secret.ts';
import { anonymous, json, scriptedServer, status, type ScriptedServer } from './scripted-server.ts';

const TOKEN = secret('the-token-of-the-reviewer');
const unending = new AbortController().signal;
let server: ScriptedServer;
beforeEach(async () => {
  server = await scriptedServer();
});
afterEach(() => server.close());

const withCredentials = (url: string, credentials: Credentials, renew = () => undefined): ClusterAccess => ({
  ...anonymous(url),
  credentials: async () => credentials,
  renew,
});

test('the token goes alone, and a refusal of it renews nothing of the own credentials', async () => {
  let renewed = 0;
  const own = {
    tls: {},
    headers: { authorization: 'Bearer own', 'impersonate-user': 'me' },
    proxy: undefined,
  };
  const access = withCredentials(server.url, own, () => void (renewed += 1));
  server.reply(status(401));
  assert.equal(await isTokenRefused(access, TOKEN, unending), true);
  const [request] = server.requests;
  assert.deepEqual(
    [request?.method, request?.path, request?.headers.authorization, request?.headers['impersonate-user']],
    ['GET', '/version', `Bearer ${TOKEN.reveal()}`, undefined],
  );
  assert.equal(renewed, 0);
});

test('whatever else is answered, or nothing, is no refusal', async () => {
  server.reply(json({ major: '1' }), status(403), status(429), status(500), (response) =>
    response.end('<html>'),
  );
  server.reply((response) => response.destroy());
  for (let at = 0; at < 6; at += 1)
    assert.equal(await isTokenRefused(anonymous(server.url), TOKEN, unending), false);
  assert.equal(server.requests.length, 6);
  const broken: ClusterAccess = {
    ...anonymous(server.url),
    credentials: () => Promise.reject(new Error('the file cannot be read')),
  };
  assert.equal(await isTokenRefused(broken, TOKEN, unending), false);
});

test('behind a proxy, whose connections have the own certificate, nothing is asked', async () => {
  const access = withCredentials(server.url, { tls: {}, headers: {}, proxy: new Agent() });
  assert.equal(await isTokenRefused(access, TOKEN, unending), false);
  assert.equal(server.requests.length, 0);
});

test('the own client certificate is not shown, and a server of another CA gets no token', async () => {
  const ca = await generateCa(Date.now());
  const { certificate: cert, key } = await generateServing(ca, ['127.0.0.1'], Date.now());
  const seen: (readonly [boolean, string | undefined])[] = [];
  const options = { cert, key, requestCert: true, rejectUnauthorized: false };
  const secure = createServer(options, ({ socket, headers }, response) => {
    const shown = (socket as TLSSocket).getPeerX509Certificate() !== undefined;
    seen.push([shown, headers.authorization]);
    response.writeHead(401).end();
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  const ask = (trusted: string): Promise<boolean> => {
    const credentials = { tls: { ca: trusted, cert, key }, headers: {}, proxy: undefined };
    return isTokenRefused(withCredentials(url, credentials), TOKEN, unending);
  };
  assert.equal(await ask(ca.certificate), true);
  assert.equal(await ask((await generateCa(Date.now())).certificate), false);
  assert.deepEqual(seen, [[false, `Bearer ${TOKEN.reveal()}`]]);
  secure.closeAllConnections();
  secure.close();
});

test('an end of the process is no answer', async () => {
  const ending = new AbortController();
  const asked = isTokenRefused(anonymous(server.url), TOKEN, ending.signal);
  ending.abort(new Error('the end'));
  await assert.rejects(asked, /the end/);
});
