/** Dataplane mode: no agent and no init container; the sidecar waits until the registrar has written it into the catalog. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { freePorts } from '../harness/ports.ts';
import { adminAnswer } from '../harness/proxies.ts';
import { startScene } from '../harness/scene.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { podOf, startMesh } from './mesh.ts';

const PLAYED = join(import.meta.dirname, 'apps/dataplane.sh');
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const mesh = await startMesh(scene);
const run = await mesh.inject('mesh', ['--proxy-mode=dataplane', '--consul-server-addresses=127.0.0.1']);
const [dbPort = 0, webPort = 0, toDb = 0, dbAdmin = 0, webAdmin = 0] = await freePorts(5);
const upstream = { DestinationType: 'service', DestinationName: 'db', LocalBindPort: toDb };
const [, web] = await Promise.all([
  runRegistered('db', dbPort, dbAdmin, []),
  runRegistered('web', webPort, webAdmin, [upstream]),
]);

async function runRegistered(
  name: string,
  port: number,
  admin: number,
  upstreams: readonly object[],
): Promise<RunningPod> {
  const annotations = {
    'connect-service-upstreams': upstreams.length === 0 ? '' : `db:${toDb}`,
    'envoy-extra-args': '--component-log-level upstream:debug',
  };
  const dataplane = {
    parts: ['consul', 'envoy'],
    entrypoint: [PLAYED],
    programs: { '/usr/local/bin/consul-dataplane': [PLAYED] },
    environment: { CONSUL_HTTP_ADDR: mesh.consul.url, DP_ENVOY_ADMIN_BIND_PORT: String(admin) },
  } as const;
  const [running] = await Promise.all([
    run(podOf(name, annotations, echoContainer(name, port)), {
      ...ECHO_IMAGES,
      'hashicorp/consul-dataplane': dataplane,
    }),
    register(name, port, upstreams),
  ]);
  return running;
}

/** What the registrar writes for a pod, when the pod has its address. */
async function register(name: string, port: number, upstreams: readonly object[]): Promise<void> {
  const address = await eventually(`the address of ${name}`, async () => {
    const pod = await mesh.api.admin.expect('GET', `/api/v1/namespaces/mesh/pods/${name}`);
    const { podIP } = pod['status'] as { readonly podIP?: string };
    assert.ok(podIP);
    return podIP;
  });
  const node = { Node: 'node-1-virtual', Address: '127.0.0.1' };
  const id = `${name}-${name}`;
  const Check = { Name: 'Kubernetes Readiness Check', Status: 'passing' };
  await mesh.consul.call('PUT', '/v1/catalog/register', {
    ...node,
    Service: { ID: id, Service: name, Address: address, Port: port },
    Check: { ...Check, CheckID: `${id}/ready`, ServiceID: id },
  });
  const proxyId = `${id}-sidecar-proxy`;
  await mesh.consul.call('PUT', '/v1/catalog/register', {
    ...node,
    Service: {
      Kind: 'connect-proxy',
      ID: proxyId,
      Service: `${name}-sidecar-proxy`,
      Address: address,
      Port: 20000,
      Proxy: {
        DestinationServiceName: name,
        DestinationServiceID: id,
        LocalServiceAddress: '127.0.0.1',
        LocalServicePort: port,
        Upstreams: upstreams,
      },
    },
    Check: { ...Check, CheckID: `${proxyId}/ready`, ServiceID: proxyId },
  });
}

test('bytes flow between two pods that no agent knows', async () => {
  const bytes = randomBytes(100_000);
  const { name, echoed } = await eventually('an answer of db', () => echo(toDb, bytes));
  assert.equal(name, 'db');
  assert.ok(echoed.equals(bytes));
});

test('the flags of the sidecar name the proxy and the node that the registrar writes', async () => {
  const info = JSON.parse(await adminAnswer(webAdmin, '/server_info')) as {
    readonly node: { readonly id: string; readonly metadata: Readonly<Record<string, unknown>> };
    readonly command_line_options: Readonly<Record<string, unknown>>;
  };
  assert.equal(info.node.id, 'web-web-sidecar-proxy');
  assert.equal(info.node.metadata['node_name'], 'node-1-virtual');
  assert.equal(info.command_line_options['concurrency'], 2);
  assert.equal(info.command_line_options['component_log_level'], 'upstream:debug');
});

test('the sidecar is a native one, and its startup probe waits for the registration', () => {
  assert.deepEqual(web.journal, ['start consul-dataplane', 'ready consul-dataplane', 'start web']);
});
