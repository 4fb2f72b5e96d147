/** A pod with several services, in agent and in dataplane mode: through real Envoys each is reached by its own name, and by no other. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { inConsul, readinessOf } from '../registrar/dataplane-pods.ts';
import { withDataplane } from './dataplane-image.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { podOf, startMesh, type Run } from './mesh.ts';

enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const mesh = await startMesh(scene, {}, network);
const { api, consul } = mesh;
const agent = await startConsulAgent(scene, consul, 'node-1', network.nodeIp);
const [runAgent, runDataplane] = await Promise.all([
  mesh.inject('agent', [
    '--owner=cluster1',
    '--drain-seconds=0',
    `--consul-http-port=${agent.ports.http}`,
    `--consul-grpc-port=${agent.ports.grpc}`,
    '--critical-until-ready',
  ]),
  mesh.inject('dataplane', [
    '--proxy-mode=dataplane',
    '--owner=cluster1',
    '--drain-seconds=0',
    '--sidecar-proxy-lifecycle-shutdown-grace-period-seconds=0',
    `--consul-server-addresses=${network.nodeIp}`,
  ]),
]);
const registrar = ['--registrar', '--owner=cluster1', `--agent-http-port=${agent.ports.http}`];
await startTandemSync(scene, api, consul, registrar);
const images = withDataplane(ECHO_IMAGES, consul, network.nodeIp);
const [PORT, ADMIN_PORT] = [8080, 9090];
/** By the port at which the other pod has them; 0.0.0.0: for the test, which is no process of the pod. */
const ASKED = [
  ['', 1234],
  ['-admin', 1235],
] as const;

async function start(run: Run, name: string, other: string, native: boolean): Promise<RunningPod> {
  const admin = `${name}-admin`;
  const upstreams = ASKED.map(([suffix, port]) => `${other}${suffix}:${port}?local_bind_address=0.0.0.0`);
  const annotations = {
    'connect-service': `${name},${admin}`,
    'connect-service-port': `${PORT},${ADMIN_PORT}`,
    'connect-service-upstreams': upstreams.join(' '),
    'enable-consul-dataplane-as-sidecar': String(native),
    'enable-metrics': 'true',
  };
  const first = echoContainer(name, PORT);
  const containers = [
    { name, ...first },
    { name: admin, ...echoContainer(admin, ADMIN_PORT) },
  ];
  const pod = await run(podOf(name, annotations, first, { containers }), images);
  await pod.ready();
  return pod;
}

const [shop, stock] = await Promise.all([
  start(runAgent, 'shop', 'stock', true),
  start(runDataplane, 'stock', 'shop', false),
]);
const PODS = [
  { pod: shop, other: 'stock', mode: 'agent mode', container: 'consul-connect-envoy-sidecar' },
  { pod: stock, other: 'shop', mode: 'dataplane mode', container: 'consul-dataplane' },
] as const;

for (const { pod, other, mode } of PODS)
  test(`from a pod in ${mode} each service of the other pod is reached by its name`, async () => {
    for (const [suffix, port] of ASKED) {
      const bytes = randomBytes(10_000);
      const { name, echoed } = await eventually(`an answer on ${port}`, () => echo(port, bytes, pod.ip));
      assert.equal(name, `${other}${suffix}`);
      assert.ok(echoed.equals(bytes));
    }
  });

for (const { pod, mode, container } of PODS)
  test(`${mode}: two Envoys side by side, each as its own service; the metrics are those of the first`, async () => {
    for (const [index, suffix] of ['', '-admin'].entries()) {
      // One, where its registration is late on a busy machine; Envoys of one base id end each other again and again.
      assert.ok(pod.restarts(`${container}-${pod.name}${suffix}`) <= 1);
      const info = JSON.parse(await pod.admin('/server_info', 19_000 + index)) as {
        readonly node: { readonly id: string };
        readonly command_line_options: { readonly base_id: string; readonly use_dynamic_base_id: boolean };
      };
      assert.match(info.node.id, new RegExp(`\\.${pod.name}${suffix}-sidecar-proxy$`));
      assert.equal(Number(info.command_line_options.base_id), index);
      assert.equal(info.command_line_options.use_dynamic_base_id, false);
      const listeners = await pod.admin('/listeners', 19_000 + index);
      assert.match(listeners, new RegExp(`^public_listener:.*:${20_000 + index}$`, 'm'));
      assert.equal(/envoy_prometheus_metrics_listener/.test(listeners), index === 0);
    }
    assert.match(await (await fetch(`http://${pod.ip}:20200/metrics`)).text(), /envoy_server_live/);
  });

test('an intention is about one service of the pod', async () => {
  await consul.call('PUT', '/v1/config', {
    Kind: 'service-intentions',
    Name: 'stock-admin',
    Sources: [{ Name: '*', Action: 'deny' }],
  });
  const [hello, [, toStock], [, toAdmin]] = [Buffer.from('hello'), ...ASKED];
  await eventually('the denial', () => assert.rejects(echo(toAdmin, hello, shop.ip)));
  assert.equal((await echo(toStock, hello, shop.ip)).name, 'stock');
});

test('what an agent loses of the second service is given back', async () => {
  const id = 'agent.shop.shop-admin';
  for (const lost of [`${id}-sidecar-proxy`, id]) {
    const url = `http://${network.nodeIp}:${agent.ports.http}/v1/agent/service/deregister/${lost}`;
    assert.equal((await fetch(url, { method: 'PUT' })).status, 200);
  }
  await eventually('both instances', async () => {
    const found = (await consul.call('GET', '/v1/health/connect/shop-admin?passing')) as readonly object[];
    assert.match(JSON.stringify(found), /"agent\.shop\.shop-admin-sidecar-proxy"/);
  });
});

test('a pod that is deleted is out of Consul with all of its services', async () => {
  for (const { pod } of PODS)
    for (const [suffix] of ASKED) {
      const [first] = await readinessOf(consul, `${pod.name}${suffix}`);
      assert.equal(first?.ServiceID, `${pod.pod.metadata?.namespace}.${pod.name}.${pod.name}${suffix}`);
    }
  await Promise.all(PODS.map(({ pod }) => pod.remove()));
  for (const { pod } of PODS)
    for (const [suffix] of ASKED) await inConsul(consul, `${pod.name}${suffix}`, []);
});
