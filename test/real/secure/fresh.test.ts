/**
 * A new Consul of three servers and a client becomes a secure one by itself; then nothing is written any more. The loop has the roles of
 * the chart, of which it needs all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECURE } from '../chart/taken-renderings.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { eachRightIsNamed, grantedBy, renderSecure, rightCases } from './each-right.ts';
import {
  agentSeesItsServices,
  everyAgentRuleIsNeeded,
  everyRuleIsNeeded,
  everyRuleIsPutBack,
} from './each-rule.ts';
import { editPolicy, ownUses } from './own-uses.ts';
import { NAME, NAMESPACE, startSecureScene, type Loop } from './secure-scene.ts';
import { startAudit, unusedRights } from './used-rights.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'helm']);
const chart = await renderSecure(SECURE.own);
const USER = `system:serviceaccount:${NAMESPACE}:${NAME}-secure`;
const granted = grantedBy(chart);
const audit = startAudit(scene, USER);
const secure = await startSecureScene(scene, ['--client-selector=component=client'], undefined, {
  roles: granted,
  arguments: audit.arguments,
});
const TOKENS = { TANDEM_UI_TOKEN: 'true', TANDEM_REPLICATION_TOKEN: 'true' };
const loop = await secure.loop([], TOKENS);
const servers = await secure.startServers(3);
const client = await secure.startClient(servers);
await loop.settled();
const [server = client] = servers;
const bootstrap = (await secure.secret(`${NAME}-bootstrap-acl-token`))?.['token'] ?? '';
// That of the loop is exchanged by one of its rotations.
const management = await secure.ask(server, 'PUT', '/v1/acl/token', {
  token: bootstrap,
  body: { Policies: [{ Name: 'global-management' }] },
});
const { SecretID: token } = management.json as { readonly SecretID: string };
const own = await secure.secret(`${NAME}-secure`);
let later: Loop | undefined;

async function login(namespace: string, account: string, method: string) {
  const BearerToken = await secure.api.serviceAccountToken(namespace, account);
  const body = { AuthMethod: `tandem-${NAME}-${method}`, BearerToken };
  return secure.ask(server, 'POST', '/v1/acl/login', { body });
}

test('every object is there, and nothing anonymous is readable', async () => {
  const names = async (path: string, key: string): Promise<readonly string[]> => {
    const { json } = await secure.ask(server, 'GET', path, { token });
    return (json as readonly Record<string, string>[])
      .map((each) => each[key] ?? '')
      .filter((name) => name.startsWith('tandem'))
      .toSorted();
  };
  assert.deepEqual(await names('/v1/acl/policies', 'Name'), [
    'tandem-mesh-agent',
    'tandem-mesh-dns',
    'tandem-mesh-replication',
    'tandem-mesh-sync-registrar-dataplane',
    'tandem-mesh-sync-to-consul',
    'tandem-mesh-ui',
  ]);
  assert.deepEqual(await names('/v1/acl/roles', 'Name'), ['tandem-mesh-sync']);
  assert.deepEqual(await names('/v1/acl/auth-methods', 'Name'), [
    'tandem-mesh-k8s-auth-method',
    'tandem-mesh-k8s-component-auth-method',
  ]);
  for (const agent of [...servers, client]) {
    const { json } = await secure.ask(agent, 'GET', '/v1/catalog/nodes');
    assert.deepEqual(json, []);
    assert.equal((await secure.ask(agent, 'GET', '/v1/agent/self')).status, 403);
  }
  const all = await secure.ask(client, 'GET', '/v1/catalog/nodes', { token });
  assert.equal((all.json as unknown[]).length, 4);
  const ui = (await secure.secret(`${NAME}-ui-acl-token`))?.['token'] ?? '';
  const seen = await secure.ask(server, 'GET', '/v1/catalog/nodes', { token: ui });
  assert.equal((seen.json as unknown[]).length, 4);
});

test('a ServiceAccount logs in as the service of its name; the one of the sync only from its own namespace', async () => {
  await secure.api.createNamespace('evil');
  for (const name of ['db', 'mesh-sync'])
    await secure.api.admin.expect('POST', '/api/v1/namespaces/evil/serviceaccounts', { metadata: { name } });
  const db = await login('evil', 'db', 'k8s-auth-method');
  assert.deepEqual((db.json as { ServiceIdentities: unknown }).ServiceIdentities, [{ ServiceName: 'db' }]);
  assert.equal((await login('evil', 'default', 'k8s-auth-method')).status, 403);
  assert.equal((await login('evil', 'mesh-sync', 'k8s-component-auth-method')).status, 403);
  const gate = async (): Promise<string> => (await secure.run(['--plan', '--stage=prefer'])).log;
  const silent = /not yet require: the sync, with the registrar, has not logged in/;
  assert.match(await gate(), silent);
  const sync = await login(NAMESPACE, 'mesh-sync', 'k8s-component-auth-method');
  assert.match(JSON.stringify(sync.json), /tandem-mesh-sync/);
  // Whoever asked for it is gone.
  assert.match(await gate(), silent);
  const spec = { serviceAccountName: 'mesh-sync', containers: [{ name: 'sync', image: 'sync' }] };
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
  await secure.api.admin.expect('POST', pods, { metadata: { name: 'sync' }, spec });
  const after = await gate();
  assert.match(after, /not yet require: /);
  assert.doesNotMatch(after, /logged in/);
});

test('a token of a pod that is gone opens nothing', async () => {
  const pods = '/api/v1/namespaces/evil/pods';
  const spec = { serviceAccountName: 'db', containers: [{ name: 'db', image: 'db' }] };
  const { metadata } = await secure.api.admin.expect('POST', pods, { metadata: { name: 'db-0' }, spec });
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'db-0', uid: metadata.uid };
  const made = await secure.api.admin.expect('POST', '/api/v1/namespaces/evil/serviceaccounts/db/token', {
    spec: { boundObjectRef },
  });
  const BearerToken = (made['status'] as { readonly token: string }).token;
  const loggedIn = async (): Promise<number> => {
    const body = { AuthMethod: `tandem-${NAME}-k8s-auth-method`, BearerToken };
    return (await secure.ask(server, 'POST', '/v1/acl/login', { body })).status;
  };
  assert.equal(await loggedIn(), 200);
  await secure.api.admin.expect('DELETE', `${pods}/db-0?gracePeriodSeconds=0`);
  // The API server remembers for 10 s whom it has believed.
  await eventually('it is refused', async () => assert.notEqual(await loggedIn(), 200));
});

test('once nothing is due, nothing is written; what is edited by hand is put back', async () => {
  const { code, log } = await secure.run(['--plan', '--ui-token', '--replication-token']);
  assert.match(log, /next: keep \(nothing-due\)/);
  assert.equal(code, 0, log);
  const before = await secure.versions();
  const policy = await secure.ask(server, 'GET', '/v1/acl/policy/name/tandem-mesh-dns', { token });
  const { ID: id, ...rest } = policy.json as Record<string, string>;
  const body = { ...rest, ID: id, Rules: 'acl = "write"' };
  await secure.ask(server, 'PUT', `/v1/acl/policy/${id}`, { token, body });
  await eventually('it is put back', async () => {
    const now = await secure.ask(server, 'GET', '/v1/acl/policy/name/tandem-mesh-dns', { token });
    assert.equal((now.json as Record<string, string>)['Rules'], rest['Rules']);
  });
  const steps = (await loop.metrics()).match(/^tandem_secure_steps_total.*$/gm)?.join('\n') ?? '';
  assert.match(steps, /step="put",result="applied"/);
  assert.equal(await secure.versions(), before);
});

test('every right in the roles of the chart is used, and nothing is asked for without one', async () => {
  assert.equal((await secure.run(['--rotate=ca'])).code, 0);
  await editPolicy({ secure, server, token }, 'dns');
  const roles = granted.filter(({ kind }) => kind?.endsWith('Role'));
  await eventually('all is used', async () => {
    for (const agent of [...servers, client]) await agent.swap();
    assert.deepEqual(unusedRights(roles, NAMESPACE, audit.requests()), []);
  });
  const refused = audit.requests().filter(({ status }) => status === 403);
  assert.deepEqual(refused, []);
});

// Each takes the loop ten seconds and more until it looks again.
const SAMPLE = [`update secrets ${NAME}-secure`, 'get configmaps', 'create serviceaccounts/token'];
const isAll = process.env['TANDEM_EVERY_RIGHT'] !== undefined;
const asPod = async (): Promise<string> => (await login('evil', 'db', 'k8s-auth-method')).text;
const cases = rightCases(chart, ownUses({ secure, server, token, login: asPod }));
eachRightIsNamed(
  cases.filter(({ what }) => isAll || SAMPLE.some((each) => what.startsWith(each))),
  {
    secure,
    loop: () => loop,
    launch: () => secure.launch([], TOKENS),
    swap: async () => {
      for (const agent of [...servers, client]) await agent.swap();
    },
  },
);

if (isAll) everyRuleIsPutBack({ secure, server, token }, () => loop);

test('no secret is in the log, the arguments, the status, the page, the metrics or an Event', async () => {
  // From the beginning, and after rotations.
  const states = [own, await secure.secret(`${NAME}-secure`)].map((each) => each?.['state.json']).join();
  const found = [...states.matchAll(/"secret":"([^"]+)"|"gossip":"([^"]+)"/g)].map(
    ([, one, other]) => one ?? other,
  );
  const secrets = [bootstrap, ...found].filter((each) => each !== undefined);
  assert.ok(new Set(secrets).size >= 8);
  const plan = await secure.run(['--plan']);
  const texts = await Promise.all([
    loop.metrics(),
    ...['/status', '/'].map(async (path) => (await fetch(loop.url + path)).text()),
    secure.api.admin
      .request('GET', `/api/v1/namespaces/${NAMESPACE}/events`)
      .then(({ body }) => JSON.stringify(body)),
  ]);
  const all = [loop.process.log(), plan.log, ...texts, secure.flags.join(' ')].join('\n');
  assert.match(plan.log, /^next: /m);
  assert.match(all, /Repaired/);
  for (const each of secrets) assert.ok(!all.includes(each));
  assert.ok(!all.includes('PRIVATE KEY'));
});

test('a token for the interface that is not asked for any more opens nothing', async () => {
  await loop.process.stop();
  const ui = (await secure.secret(`${NAME}-ui-acl-token`))?.['token'] ?? '';
  const ask = () => secure.ask(server, 'GET', '/v1/acl/token/self', { token: ui });
  assert.equal((await ask()).status, 200);
  later = await secure.loop();
  await later.settled();
  assert.equal((await ask()).status, 403);
});

test('the account by which Consul asks the API server is deleted and made anew: pods log in again', async () => {
  const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
  await secure.api.admin.expect('DELETE', `${accounts}/${NAME}-auth-method`);
  await secure.api.admin.expect('POST', accounts, { metadata: { name: `${NAME}-auth-method` } });
  // The API server remembers for 10 s whom it has believed.
  await eventually('the loop notices', async () =>
    assert.match(later?.process.log() ?? '', /reviewer-token-refused/),
  );
  await eventually('a login', async () => {
    const { status, text } = await login('evil', 'db', 'k8s-auth-method');
    assert.equal(status, 200, text);
  });
});

test('without a loop nothing is put back', async () => {
  await loop.process.stop();
  await later?.process.stop();
});

const parts = { scene, secure, server, client, token };
everyRuleIsNeeded(parts, isAll ? undefined : ['to-consul']);
if (isAll) {
  everyAgentRuleIsNeeded(parts);
  agentSeesItsServices(parts);
}
