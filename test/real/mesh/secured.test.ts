/**
 * A Consul that refuses by default, whose agents speak nothing but TLS, and that knows pods by their ServiceAccount tokens. The flags
 * are those that the chart gives.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { at, renderChart } from '../harness/chart.ts';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { writeStatus } from '../registrar/dataplane-pods.ts';
import { createAuthMethod } from './auth-method.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { passing, podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy', 'helm']);
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
const ca = await generateCa(Date.now());
const serving = generateServing(ca, ['agent.dc1.consul'], Date.now());
const [ca_file = '', cert_file = '', key_file = ''] = (
  [
    ['ca.pem', ca.certificate],
    ['agent.pem', serving.certificate],
    ['agent.key', serving.key],
  ] as const
).map(([name, content]) => {
  writeFileSync(join(scene.folder, name), content, { mode: 0o600 });
  return join(scene.folder, name);
});
const mesh = await startMesh(scene, { acls: true });
const { api, consul } = mesh;
await startConsulAgent(scene, consul, 'node-1', '127.0.0.1', {
  tls: { defaults: { ca_file, cert_file, key_file } },
  ports: { http: -1, grpc: -1, https, grpc_tls: grpcTls },
});
const chart = await renderChart({
  global: { tls: { caCert: { secretName: 'consul-ca' } } },
  connectInject: {
    overrideAuthMethodName: 'k8s',
    agentTls: { enabled: true },
    agentHttpPort: https,
    agentGrpcPort: grpcTls,
  },
});
/** The flags by which the chart tells this program how to reach the agents. */
function agentFlags(program: 'webhook' | 'sync', names: RegExp): readonly string[] {
  const deployment = chart.one('Deployment', `tandem-${program}`);
  const args = at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'args') as readonly string[];
  return args.filter((each) => names.test(each));
}
const SECURED = [
  ...agentFlags('webhook', /^--consul-(http-port|grpc-port|tls|tls-server-name|auth-method)(=|$)/),
  // In the pod of the webhook a mounted Secret.
  `--consul-ca-file=${ca_file}`,
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

test('the registrar tells the agent over TLS whether the pod is ready', async () => {
  const flags = agentFlags('sync', /^--(registrar|agent-.*|pod-auth-method.*)$/);
  assert.equal(flags.length, 5);
  await startTandemSync(scene, api, consul, [
    ...flags,
    '--owner=east',
    '--to-consul=false',
    // In its pod a mounted Secret.
    `--consul-ca-file=${ca_file}`,
  ]);
  await writeStatus(api, '/api/v1/namespaces/mesh/pods/db', { ready: true });
  await eventually('the readiness of db is in Consul', async () => {
    const checks = (await consul.call('GET', '/v1/health/checks/db')) as readonly Record<string, unknown>[];
    const readiness = checks.find(({ CheckID }) => CheckID === 'mesh.db.db-readiness');
    assert.deepEqual([readiness?.['Node'], readiness?.['Status']], ['node-1', 'passing']);
  });
});
