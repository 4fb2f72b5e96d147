/** The order in which the containers of an injected pod start and stop, with and without native sidecars. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Images } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { passing, podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const mesh = await startMesh(scene);
const [dbPort = 0, toDb = 0, classicPort = 0, toDbOfClassic = 0] = await freePorts(4);
const db = await mesh.run(podOf('db', {}, echoContainer('db', dbPort)), ECHO_IMAGES);
await passing(mesh.consul, 'db');

const ASK =
  'exec 3<>/dev/tcp/$DB_CONNECT_SERVICE_HOST/$DB_CONNECT_SERVICE_PORT; read -r name <&3; echo "$0: $name"';
const images: Images = { ...ECHO_IMAGES, 'example/shell': { entrypoint: ['bash', '-c', ASK] } };
const [INIT, SIDECAR] = ['consul-connect-inject-init', 'consul-connect-envoy-sidecar'];

test('a Job: the sidecar serves before the first init container of its author, and ends after the work is done', async () => {
  const report = await mesh.run(
    podOf(
      'report',
      { 'connect-service-upstreams': `db:${toDb}` },
      { image: 'example/shell', args: ['work'] },
      {
        restartPolicy: 'Never',
        initContainers: [{ name: 'check', image: 'example/shell', args: ['check'] }],
      },
    ),
    images,
  );
  await report.completed();
  assert.match(report.container('check').log(), /^check: db$/m);
  assert.match(report.container('report').log(), /^work: db$/m);
  assert.deepEqual(report.journal, [
    `start ${INIT}`,
    `end ${INIT}`,
    `start ${SIDECAR}`,
    `ready ${SIDECAR}`,
    'start check',
    'end check',
    'start report',
    'end report',
    `end ${SIDECAR}`,
  ]);
  const ended = await report.container(SIDECAR).exited;
  assert.deepEqual(ended, { code: 0, signal: null }, 'Envoy ends by SIGTERM as if nothing had happened');
});
