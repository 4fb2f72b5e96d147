/** The tokens by which Consul asks about logins: each is shown alone, to the own server alone, and in doubt nothing is concluded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { ClusterAccess, Credentials } from '../../../src/kubernetes/api-client.ts';
import { observeReviewers } from '../../../src/runtime/observed-reviewers.ts';
import type { Reviewers } from '../../../src/secure/observed.ts';
import { NO_REVIEWERS, reviewerTokens, REVIEWER_RIGHTS } from '../../../src/secure/reviewer.ts';
import { newWorld, observe, settle, SETTINGS, startAgents } from '../../unit/secure/secure-world.ts';
import { anonymous, json, scriptedServer, status, type Reply } from '../kubernetes/scripted-server.ts';

const world = newWorld();
settle(world);
startAgents(world);
settle(world);
// The tokens of the two methods are of different moments.
world.objects.delete('auth-method/tandem-mesh-k8s-auth-method');
world.now += 1000;
settle(world);
const observed = observe(world);
const tokens = reviewerTokens(SETTINGS, { objects: world.objects }, world.now);
const [first, second] = tokens;
/** One for each right and token. */
const QUESTIONS = tokens.length * REVIEWER_RIGHTS.length;

let server: Awaited<ReturnType<typeof scriptedServer>>;
beforeEach(async () => {
  server = await scriptedServer();
});
afterEach(() => server.close());

const ask = (access: ClusterAccess, signal = new AbortController().signal): Promise<Reviewers> =>
  observeReviewers(access, SETTINGS, observed, signal);
const replyToAll = (reply: Reply): void => server.reply(...Array<Reply>(QUESTIONS).fill(reply));
const withCredentials = (url: string, credentials: Credentials, renew = () => undefined): ClusterAccess => ({
  ...anonymous(url),
  credentials: async () => credentials,
  renew,
});

test('each token goes alone; the one that is refused is known by its method, and renews nothing of the own credentials', async () => {
  let renewed = 0;
  const own = {
    tls: {},
    headers: { authorization: 'Bearer own', 'impersonate-user': 'me' },
    proxy: undefined,
  };
  const access = withCredentials(server.url, own, () => void (renewed += 1));
  replyToAll((response, request) => {
    const isRefused = request.headers.authorization === `Bearer ${first?.jwt}`;
    (isRefused ? status(401) : json({ status: { allowed: true } }, 201))(response, request);
  });
  assert.deepEqual(await ask(access), { refused: [first?.method], lacks: [] });
  const shown = new Set(server.requests.map(({ headers }) => headers.authorization));
  assert.deepEqual(shown, new Set([`Bearer ${first?.jwt}`, `Bearer ${second?.jwt}`]));
  assert.ok(server.requests.every(({ headers }) => headers['impersonate-user'] === undefined));
  assert.equal(renewed, 0);
});

test('a right that the account lacks is known', async () => {
  replyToAll((response, request) => {
    const allowed = !JSON.stringify(request.body).includes('tokenreviews');
    json({ status: { allowed } }, 201)(response, request);
  });
  assert.deepEqual(await ask(anonymous(server.url)), { refused: [], lacks: [REVIEWER_RIGHTS[0]] });
});

test('whatever else is answered, or nothing, tells nothing', async () => {
  const replies: readonly Reply[] = [
    json({ status: {} }, 201),
    json({ status: { allowed: false } }, 202),
    status(403),
    status(429),
    status(500),
    (response) => response.end('<html>'),
    (response) => response.destroy(),
  ];
  for (const reply of replies) {
    replyToAll(reply);
    assert.deepEqual(await ask(anonymous(server.url)), NO_REVIEWERS);
  }
  const broken: ClusterAccess = {
    ...anonymous(server.url),
    credentials: () => Promise.reject(new Error('the file cannot be read')),
  };
  assert.deepEqual(await ask(broken), NO_REVIEWERS);
});

test('behind a proxy, whose connections have the own certificate, nothing is asked', async () => {
  const access = withCredentials(server.url, { tls: {}, headers: {}, proxy: new Agent() });
  assert.deepEqual(await ask(access), NO_REVIEWERS);
  assert.equal(server.requests.length, 0);
});

test('the own client certificate is not shown, and a server of another CA gets no token', async () => {
  const ca = await generateCa(Date.now());
  const { certificate: cert, key } = generateServing(ca, ['127.0.0.1'], Date.now());
  const seen: (readonly [boolean, boolean])[] = [];
  const options = { cert, key, requestCert: true, rejectUnauthorized: false };
  const secure = createServer(options, ({ socket, headers }, response) => {
    const shown = (socket as TLSSocket).getPeerX509Certificate() !== undefined;
    seen.push([shown, headers.authorization?.startsWith('Bearer e30.') === true]);
    response.writeHead(401).end();
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  const askFor = (trusted: string): Promise<Reviewers> =>
    ask(withCredentials(url, { tls: { ca: trusted, cert, key }, headers: {}, proxy: undefined }));
  assert.equal((await askFor(ca.certificate)).refused.length, 2);
  assert.deepEqual(await askFor((await generateCa(Date.now())).certificate), NO_REVIEWERS);
  assert.deepEqual(
    seen,
    Array.from({ length: QUESTIONS }, () => [false, true]),
  );
  secure.closeAllConnections();
  secure.close();
});

test('an end of the process is no answer', async () => {
  const ending = new AbortController();
  const asked = ask(anonymous(server.url), ending.signal);
  ending.abort(new Error('the end'));
  await assert.rejects(asked, /the end/);
});
