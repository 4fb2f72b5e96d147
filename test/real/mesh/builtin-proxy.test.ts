/** `--sidecar-proxy=builtin`: Consul's own proxy in the place of Envoy. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { echo, echoContainer, echoOver, ECHO_IMAGES } from './echo.ts';
import { dial, leafOf } from './leaf.ts';
import { podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const mesh = await startMesh(scene);
const run = await mesh.inject('mesh', ['--sidecar-proxy=builtin']);
const [dbPort = 0, webPort = 0, toDb = 0] = await freePorts(3);
const [db] = await Promise.all([
  run(podOf('db', {}, echoContainer('db', dbPort)), ECHO_IMAGES),
  run(
    podOf('web', { 'connect-service-upstreams': `db:${toDb}` }, echoContainer('web', webPort)),
    ECHO_IMAGES,
  ),
]);
const hello = Buffer.from('hello');

test("bytes flow through two of Consul's own proxies", async () => {
  const bytes = randomBytes(100_000);
  const { name, echoed } = await eventually('an answer of db', () => echo(toDb, bytes));
  assert.equal(name, 'db');
  assert.ok(echoed.equals(bytes));
});

test('they too serve nobody without a certificate of the mesh, and refuse what an intention denies', async () => {
  const leaf = await leafOf(mesh.consul, 'web');
  assert.equal((await echoOver(await dial(mesh.consul, db.ip, leaf), hello)).name, 'db');
  await assert.rejects(echoOver(await dial(mesh.consul, db.ip), hello), /certificate/);

  await mesh.consul.call('PUT', '/v1/config', {
    Kind: 'service-intentions',
    Name: 'db',
    Sources: [{ Name: 'web', Action: 'deny' }],
  });
  await eventually('a refusal of db', () => assert.rejects(echo(toDb, hello)));
});
