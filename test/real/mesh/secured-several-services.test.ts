/**
 * A pod with several services in dataplane mode, where Consul refuses by default and speaks TLS: each sidecar logs in as the
 * ServiceAccount of its service, and through real Envoys each service is reached when an intention about it allows it.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { createAuthMethod } from './auth-method.ts';
import { withDataplane } from './dataplane-image.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { podOf, startMesh } from './mesh.ts';

enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const [grpcTls = 0] = await freePorts(1);
const SERVER_NAME = 'server.dc1.consul';
const ca = await generateCa(Date.now());
const serving = generateServing(ca, [SERVER_NAME], Date.now());
const file = (name: string, content: string): string => {
  const path = join(scene.folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const ca_file = file('ca.pem', ca.certificate);
const grpc = {
  ca_file,
  cert_file: file('server.pem', serving.certificate),
  key_file: file('server.key', serving.key),
};
const mesh = await startMesh(
  scene,
  { acls: true, configuration: { tls: { grpc }, ports: { grpc: -1, grpc_tls: grpcTls } } },
  network,
);
const { api, consul } = mesh;
const run = await mesh.inject('mesh', [
  '--proxy-mode=dataplane',
  '--owner=cluster1',
  '--drain-seconds=0',
  '--sidecar-proxy-lifecycle-shutdown-grace-period-seconds=0',
  `--consul-server-addresses=${network.nodeIp}`,
  `--consul-grpc-port=${grpcTls}`,
  '--consul-tls',
  `--consul-tls-server-name=${SERVER_NAME}`,
  `--consul-ca-file=${ca_file}`,
  '--consul-auth-method=k8s',
]);
await createAuthMethod(api, consul, 'k8s');
await startTandemSync(scene, api, consul, ['--registrar', '--owner=cluster1', '--pod-auth-method=k8s']);
const images = withDataplane(ECHO_IMAGES, consul, network.nodeIp);
const [PORT, ADMIN_PORT] = [8080, 9090];
/** By the port at which the client has them; 0.0.0.0: for the test, which is no process of the pod. */
const SERVICES = [
  ['shop', 1234],
  ['shop-admin', 1235],
] as const;
for (const name of ['client', 'shop', 'shop-admin'])
  await api.admin.expect('POST', '/api/v1/namespaces/mesh/serviceaccounts', { metadata: { name } });
await api.admin.expect('POST', '/api/v1/namespaces/mesh/secrets', {
  metadata: { name: 'shop-admin', annotations: { 'kubernetes.io/service-account.name': 'shop-admin' } },
  type: 'kubernetes.io/service-account-token',
  data: { token: Buffer.from(await api.serviceAccountToken('mesh', 'shop-admin')).toString('base64') },
});

async function start(pod: KubernetesObject): Promise<RunningPod> {
  const started = await run(pod, images);
  await started.ready();
  return started;
}

const shopContainer = echoContainer('shop', PORT);
const [shop, client] = await Promise.all([
  start(
    podOf(
      'shop',
      { 'connect-service': 'shop,shop-admin', 'connect-service-port': `${PORT},${ADMIN_PORT}` },
      shopContainer,
      {
        serviceAccountName: 'shop',
        containers: [
          { name: 'shop', ...shopContainer },
          { name: 'shop-admin', ...echoContainer('shop-admin', ADMIN_PORT) },
        ],
      },
    ),
  ),
  start(
    podOf(
      'client',
      {
        'connect-service-upstreams': SERVICES.map(
          ([service, port]) => `${service}:${port}?local_bind_address=0.0.0.0`,
        ).join(' '),
      },
      echoContainer('client', PORT),
      { serviceAccountName: 'client' },
    ),
  ),
]);

type Token = {
  readonly AuthMethod?: string;
  readonly Description: string;
  readonly ServiceIdentities?: readonly { readonly ServiceName: string }[];
};

/** The services of the tokens of a pod. */
async function identities(pod: string): Promise<readonly string[]> {
  const tokens = (await consul.call('GET', '/v1/acl/tokens?authmethod=k8s')) as readonly Token[];
  return tokens
    .filter(({ Description }) => Description.includes(`"pod":"mesh/${pod}"`))
    .flatMap(({ ServiceIdentities = [] }) => ServiceIdentities.map(({ ServiceName }) => ServiceName))
    .toSorted();
}

test('each sidecar logs in once, as the ServiceAccount of its service', async () => {
  assert.deepEqual(await identities('shop'), ['shop', 'shop-admin']);
  assert.deepEqual(await identities('client'), ['client']);
  for (const service of ['shop', 'shop-admin'])
    assert.equal(shop.restarts(`consul-dataplane-${service}`), 0, service);
});

test('each service is reached when an intention about it allows it, and not before', async () => {
  const hello = Buffer.from('hello');
  for (const [service, port] of SERVICES) {
    await eventually(`an endpoint of ${service}`, async () =>
      assert.match(await client.admin('/clusters'), new RegExp(`^${service}\\..*::${shop.ip}:`, 'm')),
    );
    await assert.rejects(echo(port, hello, client.ip), Error, service);
    const Sources = [{ Name: 'client', Action: 'allow' }];
    await consul.call('PUT', '/v1/config', { Kind: 'service-intentions', Name: service, Sources });
    const bytes = randomBytes(10_000);
    const { name, echoed } = await eventually(`an answer of ${service}`, () => echo(port, bytes, client.ip));
    assert.equal(name, service);
    assert.ok(echoed.equals(bytes));
  }
});

test('a pod that is deleted leaves no token behind', async () => {
  await shop.remove();
  await eventually('no token of the pod', async () => assert.deepEqual(await identities('shop'), []));
  assert.deepEqual(await identities('client'), ['client']);
});
