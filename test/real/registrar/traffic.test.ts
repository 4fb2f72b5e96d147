/** Dataplane mode as users run it: the webhook injects, the registrar registers, and bytes flow through two Envoys. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { withDataplane } from '../mesh/dataplane-image.ts';
import { echo, echoContainer, ECHO_IMAGES } from '../mesh/echo.ts';
import { podOf, startMesh } from '../mesh/mesh.ts';
import { inConsul, readinessOf, writeStatus } from './dataplane-pods.ts';
import { assertInTime } from './in-time.ts';

enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const mesh = await startMesh(scene, {}, network);
const { api, consul } = mesh;
const run = await mesh.inject('mesh', [
  '--proxy-mode=dataplane',
  `--consul-server-addresses=${network.nodeIp}`,
  '--owner=cluster1',
]);
const images = withDataplane(ECHO_IMAGES, consul, network.nodeIp);
const sync = await startTandemSync(scene, api, consul, ['--registrar', '--owner=cluster1']);
const [dbPort = 0, webPort = 0, toDb = 0, metrics = 0] = await freePorts(4);
const pathOf = (name: string): string => `/api/v1/namespaces/mesh/pods/${name}`;
const [db, web] = await Promise.all([
  run(
    podOf(
      'db',
      { 'service-tags': '$POD_NAME,$$b', 'service-meta-price': '$5 of $(POD_NAME)' },
      echoContainer('db', dbPort),
    ),
    images,
  ),
  run(
    podOf(
      'web',
      {
        'connect-service-upstreams': `db:${toDb}?local_bind_address=0.0.0.0`,
        'enable-metrics': 'true',
        'prometheus-scrape-port': String(metrics),
      },
      echoContainer('web', webPort),
    ),
    images,
  ),
]);

test('the sidecar of a pod that is not ready yet finds its registration and starts, and nobody is routed to it', async () => {
  assert.deepEqual(web.journal, ['start consul-dataplane', 'ready consul-dataplane', 'start web']);
  const [check] = await inConsul(consul, 'db', ['mesh.db.db critical']);
  assert.equal(check?.Node, 'k8s-cluster1-node-1');
  await inConsul(consul, 'db-sidecar-proxy', ['mesh.db.db-sidecar-proxy critical']);
});

test('ready: bytes flow between two pods that no agent knows', async () => {
  await writeStatus(api, pathOf('db'), { ready: true });
  const bytes = randomBytes(100_000);
  const { name, echoed } = await eventually('an answer of db', () => echo(toDb, bytes, web.ip));
  assert.equal(name, 'db');
  assert.ok(echoed.equals(bytes));
});

test('metrics of the sidecar are on the port that the pod asks for', async () => {
  const response = await eventually('metrics', () => fetch(`http://${web.ip}:${metrics}/metrics`));
  assert.match(await response.text(), /^envoy_/m);
});

test('what Consul has of a pod', async () => {
  const node = (await consul.call('GET', '/v1/catalog/node-services/k8s-cluster1-node-1')) as {
    readonly Node: { readonly Address: string; readonly Meta: object };
    readonly Services: readonly Readonly<Record<string, unknown>>[];
  };
  assert.equal(node.Node.Address, network.nodeIp);
  assert.deepEqual(node.Node.Meta, {
    'synthetic-node': 'true',
    'external-source': 'kubernetes',
    'tandem-owner': 'cluster1',
  });
  const [service, proxy] = ['mesh.db.db', 'mesh.db.db-sidecar-proxy'].map((id) =>
    node.Services.find(({ ID }) => ID === id),
  );
  const meta = {
    'external-source': 'kubernetes',
    'k8s-namespace': 'mesh',
    'managed-by': 'tandem',
    'pod-name': 'db',
    'pod-uid': db.pod.metadata?.uid,
    price: '$5 of $(POD_NAME)',
    'tandem-owner': 'cluster1',
  };
  assert.deepEqual([service?.['Address'], service?.['Port']], [db.ip, dbPort]);
  assert.deepEqual([proxy?.['Address'], proxy?.['Port'], proxy?.['Kind']], [db.ip, 20000, 'connect-proxy']);
  for (const each of [service, proxy])
    assert.deepEqual([each?.['Meta'], each?.['Tags']], [meta, ['db', '$$b']]);
});

test('not ready, then terminating: critical at once, with the reason; deleted: gone soon', async (context) => {
  await writeStatus(api, pathOf('db'), { ready: false, message: 'containers with unready status: [db]' });
  const [check] = await inConsul(consul, 'db', ['mesh.db.db critical']);
  assert.equal(check?.Output, 'containers with unready status: [db]');
  await writeStatus(api, pathOf('db'), { ready: true });
  await inConsul(consul, 'db', ['mesh.db.db passing']);
  await api.admin.expect('DELETE', pathOf('db'));
  const [terminating] = await inConsul(consul, 'db', ['mesh.db.db critical']);
  assert.equal(terminating?.Output, 'the pod is terminating');

  await api.admin.expect('DELETE', `${pathOf('db')}?gracePeriodSeconds=0`);
  const start = performance.now();
  await eventually('db is gone', async () => assert.deepEqual(await readinessOf(consul, 'db'), []));
  const seconds = (performance.now() - start) / 1000;
  assertInTime(context, seconds);
});

test('the last pod of a node takes the synthetic node along', async () => {
  await api.admin.expect('DELETE', `${pathOf('web')}?gracePeriodSeconds=0`);
  await eventually('the node is gone', async () => {
    const nodes = (await consul.call('GET', '/v1/catalog/nodes')) as readonly { readonly Node: string }[];
    assert.deepEqual(
      nodes.map(({ Node }) => Node),
      ['server-1'],
    );
  });
  await eventually('the metric', async () =>
    assert.match(
      await sync.metrics(),
      /^tandem_registrar_changes_total\{action="remove-node",result="applied"\} 1$/m,
    ),
  );
});
