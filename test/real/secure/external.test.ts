/** Two clusters on one Consul that neither of them runs: one whose pods log in by jwt, and one whose API server is asked. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { harden } from '../chart/role-rights.ts';
import { SECURE } from '../chart/taken-renderings.ts';
import { eventually } from '../harness/eventually.ts';
import { startConsul } from '../harness/consul.ts';
import { startScene } from '../harness/scene.ts';
import { eachRightIsNamed, grantedBy, renderSecure, rightCases } from './each-right.ts';
import { NAME, NAMESPACE, startSecureScene, type SecureScene } from './secure-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'helm']);
const consul = await startConsul(scene, { acls: true });
const [chart, ownChart] = await Promise.all([SECURE.external, SECURE.own].map(renderSecure));
assert.ok(chart !== undefined && ownChart !== undefined);
const clusterOf = (
  owner: string,
  more: readonly string[],
  granted?: Parameters<typeof startSecureScene>[3],
): Promise<SecureScene> => {
  const where = [`--external-servers=${consul.url}`, `--bootstrap-token-secret=${NAME}-brought`];
  return startSecureScene(scene, more, [`--owner=${owner}`, ...where], granted);
};
const [east, west] = await Promise.all([
  clusterOf('east', ['--auth-method-type=jwt', '--allow-namespaces=shop'], { roles: grantedBy(chart) }),
  clusterOf('west', []),
]);
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const bring = (cluster: SecureScene, data: Readonly<Record<string, string>>): Promise<unknown> =>
  cluster.api.admin.expect('POST', SECRETS, { metadata: { name: `${NAME}-brought` }, stringData: data });
const exchange = (cluster: SecureScene, data: Readonly<Record<string, string>>): Promise<unknown> =>
  cluster.api.admin.expect(
    'PATCH',
    `${SECRETS}/${NAME}-brought`,
    { stringData: data },
    'application/merge-patch+json',
  );
await bring(west, { token: consul.token });
const loop = await east.loop();
let westLoop = await west.loop(['--ui-token']);

type Named = Readonly<Record<string, unknown>> & { readonly Name?: string; readonly Description: string };
const LISTS = ['policies', 'roles', 'auth-methods', 'tokens', 'binding-rules'];

/** Everything of a cluster, with the index of its last write. */
async function objectsOf(owner: string): Promise<readonly Named[]> {
  const lists = await Promise.all(
    LISTS.map(async (each) => (await consul.call('GET', `/v1/acl/${each}`)) as readonly Named[]),
  );
  return lists.flat().filter(({ Description: text }) => text.includes(` cluster ${owner} (`));
}

async function jwtOf(namespace: string, account: string, audiences?: readonly string[]): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const body = { spec: audiences === undefined ? {} : { audiences } };
  const { status } = (await east.api.admin.expect('POST', path, body)) as unknown as {
    readonly status: { readonly token: string };
  };
  return status.token;
}

async function login(bearer: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${consul.url}/v1/acl/login`, {
    method: 'POST',
    body: JSON.stringify({
      AuthMethod: `tandem-${NAME}-k8s-jwt-auth-method-east`,
      BearerToken: bearer,
    }),
  });
  return { status: response.status, text: await response.text() };
}

test('it waits for the token of the operator, says what is wrong with it, and never bootstraps', async () => {
  const waits = (text: RegExp): Promise<void> =>
    eventually(`the step ${text}`, async () => {
      assert.match((await loop.status()).controllers[0]?.step ?? '', text);
    });
  await waits(/the Secret consul\/mesh-brought is not there \(no-token\)/);
  await bring(east, { other: consul.token });
  await waits(/mesh-brought has no token under the key token \(no-token\)/);
  await exchange(east, { token: '6e7e9ba1-39a6-4d9a-8ee5-5c7f8a9b0c1d' });
  await waits(/token-unknown/);
  assert.equal((await objectsOf('east')).length, 0);
  await exchange(east, { token: consul.token });
  await loop.settled();
  assert.doesNotMatch(await loop.metrics(), /acl-bootstrap/);
  assert.match(loop.process.log(), /tokens go to Consul in plain text, because TLS is off/);
});

test('neither cluster touches what the other has', async () => {
  await westLoop.settled();
  const [ofEast, ofWest] = [await objectsOf('east'), await objectsOf('west')];
  for (const [owner, objects] of [
    ['east', ofEast],
    ['west', ofWest],
  ] as const) {
    const names = objects.flatMap(({ Name }) => Name ?? []);
    assert.ok(names.length >= 5);
    assert.deepEqual(
      names.filter((name) => !name.endsWith(`-${owner}`)),
      [],
    );
  }
  assert.ok(ofWest.some(({ Description: text }) => text.includes('token ui')));
  await westLoop.process.stop();
  // Without the token for the interface, with a role that it had not, and without pods.
  westLoop = await west.loop(['--helm-test', '--pod-auth-method=false']);
  await westLoop.settled();
  const after = await objectsOf('west');
  assert.ok(!after.some(({ Description: text }) => text.includes('token ui')));
  assert.ok(after.some(({ Name }) => Name === `tandem-${NAME}-test-west`));
  assert.deepEqual(await objectsOf('east'), ofEast);
  const before = await east.versions();
  const { code } = await east.run(['--plan', '--auth-method-type=jwt', '--allow-namespaces=shop']);
  assert.equal(code, 0);
  assert.equal(await east.versions(), before);
});

test('a cluster that was given the owner of another one writes nothing, and says whose the name is', async () => {
  const before = await objectsOf('east');
  assert.ok(before.length > 0);
  await westLoop.process.stop();
  const twin = await west.loop(['--owner=east']);
  await eventually('it says so', async () => {
    const step = (await twin.status()).controllers[0]?.step ?? '';
    assert.match(step, /belongs to another cluster with the owner east .*\(owner-taken\)$/);
  });
  await twin.process.stop();
  assert.deepEqual(await objectsOf('east'), before);
});

test('by jwt an account of an allowed namespace logs in as the service of its name, and nobody else', async () => {
  for (const namespace of ['shop', 'evil']) {
    await east.api.createNamespace(namespace);
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await east.api.admin.expect('POST', path, {
      metadata: { name: 'web', annotations: { 'consul.hashicorp.com/service-name': 'db' } },
    });
  }
  const { status, text } = await login(await jwtOf('shop', 'web', ['consul']));
  assert.equal(status, 200, text);
  assert.deepEqual((JSON.parse(text) as { ServiceIdentities: unknown }).ServiceIdentities, [
    { ServiceName: 'web' },
  ]);
  assert.equal((await login(await jwtOf('evil', 'web', ['consul']))).status, 403);
  assert.equal((await login(await jwtOf('shop', 'default', ['consul']))).status, 403);
  assert.notEqual((await login(await jwtOf('shop', 'web'))).status, 200);
});

test('when the API server rotates its keys, tokens of the old and the new one are good, without a gap', async () => {
  const before = await jwtOf('shop', 'web', ['consul']);
  const file = join(scene.folder, `api-server-${new URL(east.api.url).port}`, 'service-account.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  // It signs with the first one, and publishes all.
  writeFileSync(file, pem + readFileSync(file, 'utf8'));
  await east.api.restart();
  const after = await jwtOf('shop', 'web', ['consul']);
  assert.match(Buffer.from(after.split('.')[0] ?? '', 'base64url').toString(), /ES256/);
  await eventually('the new key is believed', async () => assert.equal((await login(after)).status, 200));
  assert.equal((await login(before)).status, 200);
  // It leaves the list, and its tokens end later; the API server itself takes only those of the new one from then on.
  await east.renewToken();
  writeFileSync(file, pem);
  await east.api.restart();
  await loop.settled();
  assert.equal((await login(before)).status, 200);
  assert.equal((await login(after)).status, 200);
});

test('where nobody gives everybody the keys of tokens, the role of the chart does', async () => {
  await harden(east.api);
  const { log } = await east.run(['--plan']);
  assert.doesNotMatch(log, /problem/, log);
});

const isAll = process.env['TANDEM_EVERY_RIGHT'] !== undefined;
const cases = rightCases(
  chart,
  {
    'get namespaces': { by: 'start' },
    'get /.well-known/openid-configuration': { by: 'loop' },
    'get /openid/v1/jwks': { by: 'loop' },
  },
  ownChart,
);
eachRightIsNamed(
  cases.filter(({ what }) => isAll || what.startsWith('get /openid')),
  { secure: east, loop: () => loop, launch: () => east.launch() },
);
