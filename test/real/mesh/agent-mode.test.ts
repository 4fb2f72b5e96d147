/** Agent mode with Envoy: what two injected pods can do, and what nobody else can. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { echo, ECHO_IMAGES } from './echo.ts';
import { podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const mesh = await startMesh(scene);
const [dbPort = 0, webPort = 0, toDb = 0] = await freePorts(3);
await Promise.all([
  mesh.run(podOf('db', {}, echoContainer('db', dbPort)), ECHO_IMAGES),
  mesh.run(
    podOf('web', { 'connect-service-upstreams': `db:${toDb}` }, echoContainer('web', webPort)),
    ECHO_IMAGES,
  ),
]);

function echoContainer(name: string, port: number): object {
  return { image: 'example/echo', args: [name, String(port)], ports: [{ containerPort: port }] };
}

test('bytes flow from the upstream port to the destination and back', async () => {
  const bytes = randomBytes(1_000_000);
  const { name, echoed } = await eventually('an answer of db', () => echo(toDb, bytes));
  assert.equal(name, 'db');
  assert.ok(echoed.equals(bytes));
});
