/** Two pods of one name in two namespaces, on one node: each has instances and a proxy of its own, in both modes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { echoContainer, ECHO_IMAGES } from '../mesh/echo.ts';
import { passing, podOf, startMesh } from '../mesh/mesh.ts';
import { inConsul } from './dataplane-pods.ts';
import { placedPods } from './placed-pods.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const mesh = await startMesh(scene);
const { api, consul } = mesh;

test('agent mode: both are in the catalog, and each proxy asks for its own configuration', async () => {
  const agent = await startConsulAgent(scene, consul, 'node-1');
  const flags = [`--consul-http-port=${agent.ports.http}`, `--consul-grpc-port=${agent.ports.grpc}`];
  for (const [namespace, port] of [
    ['team-a', (await freePorts(1))[0] ?? 0],
    ['team-b', (await freePorts(1))[0] ?? 0],
  ] as const) {
    const run = await mesh.inject(namespace, flags);
    const pod = await run(podOf('redis-0', {}, echoContainer('redis', port)), ECHO_IMAGES);
    const bootstrap = join(pod.volume('consul-connect-inject-data'), 'envoy-bootstrap.json');
    const { node } = JSON.parse(readFileSync(bootstrap, 'utf8')) as {
      readonly node: { readonly id: string };
    };
    assert.equal(node.id, `${namespace}.redis-0.redis-0-sidecar-proxy`);
  }
  await passing(consul, 'redis-0');
  const found = (await consul.call('GET', '/v1/catalog/service/redis-0')) as readonly {
    readonly ServiceID: string;
    readonly ServiceMeta: Readonly<Record<string, string>>;
  }[];
  assert.deepEqual(
    found.map(({ ServiceID, ServiceMeta }) => `${ServiceID} of ${ServiceMeta['k8s-namespace']}`).toSorted(),
    ['team-a.redis-0.redis-0 of team-a', 'team-b.redis-0.redis-0 of team-b'],
  );
});

test('dataplane mode: both are registered, and one that goes leaves the other', async () => {
  const owner = '--owner=cluster1';
  await startTandemSync(scene, api, consul, ['--registrar', owner]);
  const namespaces = ['team-c', 'team-d'];
  for (const namespace of namespaces) {
    await api.createNamespace(namespace);
    await startWebhook(scene, api, namespace, ['--proxy-mode=dataplane', owner]);
    await placedPods(api, namespace).create('redis-0', { annotations: { 'connect-service': 'cache' } });
  }
  await inConsul(consul, 'cache', ['team-c.redis-0.cache passing', 'team-d.redis-0.cache passing']);
  await placedPods(api, 'team-c').remove('redis-0');
  await inConsul(consul, 'cache', ['team-d.redis-0.cache passing']);
});
