/** Pods that log in to a Consul that refuses by default: who is registered as what, and what is left of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { createAuthMethod } from '../mesh/auth-method.ts';
import { inConsul } from './dataplane-pods.ts';
import { placedPods } from './placed-pods.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { acls: true })]);
await api.createNamespace('mesh');
await createAuthMethod(api, consul, 'k8s');
await startWebhook(scene, api, 'mesh', [
  '--proxy-mode=dataplane',
  '--owner=cluster1',
  '--consul-auth-method=k8s',
  '--service-account-check=warn',
]);
const accounts = '/api/v1/namespaces/mesh/serviceaccounts';
for (const name of ['app', 'clerk']) await api.admin.expect('POST', accounts, { metadata: { name } });
const pods = placedPods(api, 'mesh');

/** The rights of docs/registrar.md. */
async function registrarToken(rules: string): Promise<string> {
  const Name = `registrar-${rules.length}`;
  await consul.call('PUT', '/v1/acl/policy', { Name, Rules: rules });
  const { SecretID } = (await consul.call('PUT', '/v1/acl/token', { Policies: [{ Name }] })) as {
    readonly SecretID: string;
  };
  return SecretID;
}

const RULES =
  'node_prefix "k8s-cluster1-" { policy = "write" } node_prefix "" { policy = "read" } service_prefix "" { policy = "write" }';
const start = (token: string, ...flags: readonly string[]): ReturnType<typeof startTandemSync> =>
  startTandemSync(scene, api, { url: consul.url, token }, [
    '--registrar',
    '--to-consul=false',
    '--owner=cluster1',
    '--pod-auth-method=k8s',
    ...flags,
  ]);
let sync = await start(await registrarToken(RULES));

/** As the sidecar of the pod does. */
async function login(pod: string, uid: string, meta: object = {}): Promise<string> {
  const { AccessorID } = (await consul.call('POST', '/v1/acl/login', {
    AuthMethod: 'k8s',
    BearerToken: await api.serviceAccountToken('mesh', 'app'),
    Meta: { pod: `mesh/${pod}`, 'pod-uid': uid, owner: 'cluster1', ...meta },
  })) as { readonly AccessorID: string };
  return AccessorID;
}

async function accessors(): Promise<readonly string[]> {
  const tokens = (await consul.call('GET', '/v1/acl/tokens?authmethod=k8s')) as readonly {
    readonly AccessorID: string;
  }[];
  return tokens.map(({ AccessorID }) => AccessorID).toSorted();
}

/** What `/status` says of tokens. */
async function refusedTokens(): Promise<readonly (string | undefined)[]> {
  return (await sync.controller('tokens'))?.rows.map(({ refused }) => refused) ?? assert.fail();
}

async function eventOn(pod: string, reason: string): Promise<string> {
  const path = `/api/v1/namespaces/mesh/events?fieldSelector=involvedObject.name=${pod}`;
  return eventually(`an Event ${reason}`, async () => {
    const { items } = (await api.admin.expect('GET', path)) as unknown as {
      readonly items: readonly { readonly reason: string; readonly message: string }[];
    };
    const event = items.find((each) => each.reason === reason);
    assert.ok(event);
    return event.message;
  });
}

test('whoever makes a pod of another ServiceAccount is warned', async () => {
  const spec = {
    serviceAccountName: 'clerk',
    containers: [{ name: 'app', image: 'example/app', ports: [{ containerPort: 8080 }] }],
  };
  const annotations = {
    'consul.hashicorp.com/connect-inject': 'true',
    'consul.hashicorp.com/connect-service': 'app',
  };
  const { status, warnings } = await api.admin.request('POST', '/api/v1/namespaces/mesh/pods?dryRun=All', {
    metadata: { name: 'warned', annotations },
    spec,
  });
  assert.equal(status, 201);
  assert.match(warnings.join(), /app.* is not the ServiceAccount of the pod, .*clerk/);
});

test('a pod of another ServiceAccount is no instance of the service, and an Event says so', async () => {
  await pods.create('thief', { serviceAccount: 'clerk' });
  assert.match(await eventOn('thief', 'OtherServiceAccount'), /"app" and the ServiceAccount "clerk"/);
  await eventOn('thief', 'InjectionWarning');
  await pods.create('app-0', { serviceAccount: 'app' });
  await inConsul(consul, 'app', ['mesh.app-0.app passing']);
});

test('a ServiceAccount that names the service makes it one, as long as it does', async () => {
  const annotate = (value: string | null): Promise<unknown> =>
    api.admin.expect(
      'PATCH',
      `${accounts}/clerk`,
      { metadata: { annotations: { 'consul.hashicorp.com/service-name': value } } },
      MERGE_PATCH,
    );
  await annotate('app');
  await inConsul(consul, 'app', ['mesh.app-0.app passing', 'mesh.thief.app passing']);
  await annotate(null);
  await inConsul(consul, 'app', ['mesh.app-0.app passing']);
});

test('without the right to delete tokens they stay, which is told once, and all else goes on', async () => {
  const uid = await pods.create('app-1', { serviceAccount: 'app' });
  await login('app-1', uid);
  await pods.remove('app-1');
  await inConsul(consul, 'app', ['mesh.app-0.app passing']);
  await eventually('the log line', async () => assert.match(sync.process.log(), /Consul refuses to list/));
  assert.equal((await accessors()).length, 1);
  await eventually('the trouble in /status', async () =>
    assert.match((await refusedTokens())[0] ?? '', /status 403|Permission denied/),
  );
  assert.match(await (await fetch(sync.url)).text(), /ACL tokens of pods that are gone stay/);
});

test('where something else deletes them, no right to do so is missed, and identities hold', async () => {
  await sync.process.stop();
  sync = await start(await registrarToken(`${RULES} `), '--delete-pod-tokens=false');
  await pods.create('app-3', { serviceAccount: 'app' });
  await inConsul(consul, 'app', ['mesh.app-0.app passing', 'mesh.app-3.app passing']);
  await pods.remove('app-3');
  await inConsul(consul, 'app', ['mesh.app-0.app passing']);
  assert.equal(await sync.controller('tokens'), undefined);
  assert.doesNotMatch(sync.process.log(), /Consul refuses to list/);
  assert.equal((await accessors()).length, 1);
});

test('with it, tokens of pods that are gone are deleted, and no others', async () => {
  await sync.process.stop();
  const alive = (await api.admin.expect('GET', pods.path('app-0'))).metadata.uid ?? '';
  const kept = [
    await login('app-0', alive),
    await login('app-0', alive),
    await login('other', 'of-another-cluster', { owner: 'cluster2' }),
    await login('other', ''),
  ].toSorted();
  sync = await start(await registrarToken(`acl = "write" ${RULES}`));
  await eventually('what was left behind is gone', async () => assert.deepEqual(await accessors(), kept));
  const uid = await pods.create('app-2', { serviceAccount: 'app' });
  const ofPod = await login('app-2', uid);
  await inConsul(consul, 'app', ['mesh.app-0.app passing', 'mesh.app-2.app passing']);
  assert.ok((await accessors()).includes(ofPod));
  await pods.remove('app-2');
  await eventually('its token is gone', async () => assert.deepEqual(await accessors(), kept));
  await eventually('no trouble in /status', async () => assert.deepEqual(await refusedTokens(), []));
  assert.doesNotMatch(sync.process.log(), /SecretID/);
});
