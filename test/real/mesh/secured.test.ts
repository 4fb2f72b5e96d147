/** A Consul that refuses by default, speaks TLS, and knows pods by their ServiceAccount tokens. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { createAuthMethod } from './auth-method.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { passing, podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const [
  https = 0,
  grpcTls = 0,
  dbPort = 0,
  webPort = 0,
  cachePort = 0,
  toDb = 0,
  toCache = 0,
  adminPort = 0,
  toAdmin = 0,
] = await freePorts(9);
const SERVER_NAME = 'server.dc1.consul';
const ca = await generateCa(Date.now());
const serving = await generateServing(ca, [SERVER_NAME], Date.now());
const [ca_file, cert_file, key_file] = (
  [
    ['ca.pem', ca.certificate],
    ['consul.pem', serving.certificate],
    ['consul.key', serving.key],
  ] as const
).map(([name, content]) => {
  writeFileSync(join(scene.folder, name), content, { mode: 0o600 });
  return join(scene.folder, name);
});
const mesh = await startMesh(scene, {
  acls: true,
  configuration: {
    tls: { defaults: { ca_file, cert_file, key_file } },
    ports: { https, grpc_tls: grpcTls },
  },
});
const { api, consul } = mesh;
const SECURED = [
  '--consul-tls',
  `--consul-http-port=${https}`,
  `--consul-grpc-port=${grpcTls}`,
  `--consul-tls-server-name=${SERVER_NAME}`,
  `--consul-ca-pem=${ca.certificate}`,
  '--consul-auth-method=k8s',
];
const [run, runBuiltin] = await Promise.all([
  mesh.inject('mesh', SECURED),
  mesh.inject('builtin', [...SECURED, '--sidecar-proxy=builtin']),
]);
await createAuthMethod(api, consul, 'k8s');
for (const [namespace, name] of [
  ['mesh', 'db'],
  ['mesh', 'web'],
  ['mesh', 'admin'],
  ['builtin', 'cache'],
])
  await api.admin.expect('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });

const hello = Buffer.from('hello');
const account = (serviceAccountName: string): object => ({ serviceAccountName });
const secured = (name: string, port: number, upstreams: string, serviceAccount = name): KubernetesObject =>
  podOf(name, { 'connect-service-upstreams': upstreams }, echoContainer(name, port), account(serviceAccount));
const [, , web] = await Promise.all([
  run(secured('db', dbPort, ''), ECHO_IMAGES),
  runBuiltin(secured('cache', cachePort, ''), ECHO_IMAGES),
  run(secured('web', webPort, `db:${toDb}, cache:${toCache}, admin:${toAdmin}`), ECHO_IMAGES),
]);
await Promise.all([passing(consul, 'db'), passing(consul, 'cache')]);

test('nothing flows before an intention allows it; then it does, to Envoy and to the built-in proxy', async () => {
  const destinations = [
    ['db', toDb],
    ['cache', toCache],
  ] as const;
  for (const [name, port] of destinations) {
    await assert.rejects(echo(port, hello));
    const Sources = [{ Name: 'web', Action: 'allow' }];
    await consul.call('PUT', '/v1/config', { Kind: 'service-intentions', Name: name, Sources });
    assert.equal((await eventually(`an answer of ${name}`, () => echo(port, hello))).name, name);
  }
});

test('the token is of the ServiceAccount of the pod, and only the user of the sidecar can read it', async () => {
  const folder = web.volume('consul-connect-inject-data');
  const token = readFileSync(join(folder, 'acl-token'), 'utf8');
  const response = await fetch(`${consul.url}/v1/acl/token/self`, { headers: { 'x-consul-token': token } });
  const self = (await response.json()) as Readonly<Record<string, unknown>>;
  assert.equal(self['AuthMethod'], 'k8s');
  assert.deepEqual(self['ServiceIdentities'], [{ ServiceName: 'web' }]);
  assert.match(
    String(self['Description']),
    /^token created via login: \{"pod":"mesh\/web","pod-uid":"[0-9a-f-]{36}"\}$/,
  );
  assert.ok(readFileSync(join(folder, 'envoy-bootstrap.json'), 'utf8').includes(token));
  for (const file of ['acl-token', 'envoy-bootstrap.json']) {
    const { mode } = statSync(join(folder, file));
    assert.equal(mode & 0o777, 0o600, file);
  }
});

test('each service of a pod logs in as its own ServiceAccount: one as that of the pod, the other by a Secret', async () => {
  const annotations = { 'connect-service': 'web,admin', 'connect-service-port': `${webPort},${adminPort}` };
  await api.admin.expect('POST', '/api/v1/namespaces/mesh/secrets', {
    metadata: { name: 'admin', annotations: { 'kubernetes.io/service-account.name': 'admin' } },
    type: 'kubernetes.io/service-account-token',
    data: { token: Buffer.from(await api.serviceAccountToken('mesh', 'admin')).toString('base64') },
  });
  const pod = await run(
    podOf('several', annotations, echoContainer('admin', adminPort), account('web')),
    ECHO_IMAGES,
  );
  const folder = pod.volume('consul-connect-inject-data');
  for (const [path, service] of [
    ['acl-token', 'web'],
    ['admin/acl-token', 'admin'],
  ] as const) {
    const token = readFileSync(join(folder, path), 'utf8');
    const self = await fetch(`${consul.url}/v1/acl/token/self`, { headers: { 'x-consul-token': token } });
    assert.match(await self.text(), new RegExp(`"ServiceIdentities":\\[\\{"ServiceName":"${service}"\\}\\]`));
  }
  await passing(consul, 'admin');
  const Sources = [{ Name: 'web', Action: 'allow' }];
  await consul.call('PUT', '/v1/config', { Kind: 'service-intentions', Name: 'admin', Sources });
  assert.equal((await eventually('an answer of admin', () => echo(toAdmin, hello))).name, 'admin');
});

test('a pod that no binding rule knows: the init container says what failed', async () => {
  await assert.rejects(
    run(secured('stranger', dbPort, '', 'default'), ECHO_IMAGES),
    new RegExp(
      `403[^]*tandem: could not log in to Consul at https://127\\.0\\.0\\.1:${https} by auth method k8s$`,
    ),
  );
});

test('the ServiceAccount of one service cannot register another', async () => {
  const imposter = podOf(
    'imposter',
    { 'connect-service': 'db' },
    echoContainer('web', dbPort),
    account('web'),
  );
  await assert.rejects(run(imposter, ECHO_IMAGES), /is not the ServiceAccount of the pod/);
});
