/** Nodes whose address is none, in Kubernetes and in Consul's catalog: one by one they are refused, and the others go on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_HOSTS } from '../../unit/support/no-hosts.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { inConsul } from './dataplane-pods.ts';
import { placedPods } from './placed-pods.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
await api.createNamespace('mesh');
await startWebhook(scene, api, 'mesh', ['--proxy-mode=dataplane', '--owner=cluster1']);
const pods = placedPods(api, 'mesh');

const SYNTHETIC = { 'synthetic-node': 'true', 'external-source': 'kubernetes', 'tandem-owner': 'cluster1' };
const LEFT_BEHIND = {
  'managed-by': 'tandem',
  'external-source': 'kubernetes',
  'pod-uid': 'nobody',
  'tandem-owner': 'cluster1',
};

/** The answer of Consul, which does not take every name. */
async function register(Node: string, Address: string, NodeMeta = {}): Promise<boolean> {
  const Service = { ID: `left on ${Node}`, Service: 'left', Meta: LEFT_BEHIND };
  const body = JSON.stringify({ Node, Address, NodeMeta, Service });
  return (await fetch(`${consul.url}/v1/catalog/register`, { method: 'PUT', body })).ok;
}

async function nodesWithLeft(): Promise<readonly string[]> {
  const found = (await consul.call('GET', '/v1/catalog/service/left')) as readonly {
    readonly Node: string;
  }[];
  return found.map(({ Node }) => Node).toSorted();
}

test('strange nodes in the catalog and in Kubernetes keep nothing else from being done', async (context) => {
  const taken: string[] = [];
  for (const [index, address] of NO_HOSTS.entries())
    if (await register(`node-${index}`, address)) taken.push(`node-${index}`);
  const names = ['.', '..', '../..', 'a/b', 'a b', 'a?b', 'a%2fb', '%'];
  for (const name of names) await register(name, '10.6.6.6');
  await register('..', '10.6.6.6', SYNTHETIC);
  const strange: string[] = [];
  for (const [index, address] of NO_HOSTS.entries()) {
    const name = `strange-${index}`;
    await api.admin.expect('POST', '/api/v1/nodes', { metadata: { name } });
    const status = { addresses: [{ type: 'InternalIP', address }] };
    const answer = await api.admin.request('PATCH', `/api/v1/nodes/${name}/status`, { status }, MERGE_PATCH);
    if (answer.status === 200) strange.push(name);
  }
  context.diagnostic(
    `Consul took ${taken.length} of ${NO_HOSTS.length} addresses, Kubernetes ${strange.length}`,
  );
  assert.ok(taken.length > 10 && strange.length > 10);
  const sync = await startTandemSync(scene, api, consul, ['--registrar', '--owner=cluster1']);
  await pods.create('good');
  await inConsul(consul, 'app', ['mesh.good.app passing']);
  await eventually(
    'what was left behind on all of them goes, but not where Consul does not tell',
    async () => {
      const left = await nodesWithLeft();
      assert.deepEqual(
        left.filter((name) => !names.slice(0, 3).includes(name)),
        [],
      );
    },
  );
  const { controllers } = await sync.status();
  assert.deepEqual(
    controllers.flatMap(({ lastFailure }) => lastFailure ?? []),
    [],
  );
  await eventually('each of the strange ones in the log', async () => {
    const log = sync.process.log();
    assert.match(log, /"node":"\.\."/);
    for (const name of strange) assert.match(log, new RegExp(`"source":"Node/${name}"`), name);
  });
  await pods.create('later');
  await inConsul(consul, 'app', ['mesh.good.app passing', 'mesh.later.app passing']);
});
