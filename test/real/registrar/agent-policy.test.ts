/** The policy of docs/install.md for agent mode, with which the registrar does all of its work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { readinessOf } from './dataplane-pods.ts';
import { placedPods } from './placed-pods.ts';

const RULES = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "write" }';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { acls: true })]);
const agent = await startConsulAgent(scene, consul, 'node-1');
await api.createNamespace('mesh');
await startWebhook(scene, api, 'mesh', ['--owner=cluster1']);
await consul.call('PUT', '/v1/acl/policy', { Name: 'registrar', Rules: RULES });
const { SecretID: token } = (await consul.call('PUT', '/v1/acl/token', {
  Policies: [{ Name: 'registrar' }],
})) as { readonly SecretID: string };
const sync = await startTandemSync(scene, api, { url: consul.url, token }, [
  '--registrar',
  '--to-consul=false',
  '--owner=cluster1',
  `--agent-http-port=${agent.ports.http}`,
]);
const pods = placedPods(api, 'mesh');

async function readiness(expected: readonly string[]): Promise<void> {
  await eventually(`app: ${expected.join(', ') || 'none'}`, async () => {
    const found = await readinessOf(consul, 'app');
    const ofPods = found.filter(({ Name }) => Name === 'Kubernetes Readiness Check');
    assert.deepEqual(ofPods.map(({ ServiceID, Status }) => `${ServiceID} ${Status}`).toSorted(), expected);
  });
}

test('it registers at the agent what that has lost, mirrors readiness, and deregisters', async () => {
  for (const name of ['app-0', 'app-1'])
    await pods.create(name, { hostIp: '127.0.0.1', isInitialized: true });
  await readiness(['mesh.app-0.app passing', 'mesh.app-1.app passing']);
  const conditions = [
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', status: 'False', message: 'no answer' },
  ];
  await api.admin.expect('PATCH', `${pods.path('app-0')}/status`, { status: { conditions } }, MERGE_PATCH);
  await readiness(['mesh.app-0.app critical', 'mesh.app-1.app passing']);
  await pods.remove('app-0');
  await readiness(['mesh.app-1.app passing']);
  // Its proxy goes by a call of its own, which the end of the agent would cut off.
  await eventually('one proxy', async () => {
    const proxies = (await consul.call('GET', '/v1/catalog/service/app-sidecar-proxy')) as object[];
    assert.equal(proxies.length, 1);
  });
});

test('it rids the catalog of what an agent that is gone has left', async () => {
  await agent.process.stop('SIGKILL');
  await pods.remove('app-1');
  await eventually('the catalog has nothing of it', async () => {
    const names = Object.keys((await consul.call('GET', '/v1/catalog/services')) as object);
    assert.deepEqual(names, ['consul']);
  });
});

test('nothing of it was refused', async () => {
  assert.doesNotMatch(sync.process.log(), /refused|Permission denied|does not show/i);
  assert.doesNotMatch(await sync.metrics(), /outcome="refused"/);
});
