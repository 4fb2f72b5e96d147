/** The order in which the containers of an injected pod start and stop. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Images } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { passing, podOf, startMesh } from './mesh.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const mesh = await startMesh(scene);
const run = await mesh.inject('mesh', []);
const [dbPort = 0, classicPort = 0, ...toDb] = await freePorts(5);
await run(podOf('db', {}, echoContainer('db', dbPort)), ECHO_IMAGES);
await passing(mesh.consul, 'db');

const CLIENT = join(import.meta.dirname, 'apps/client.ts');
const images: Images = { ...ECHO_IMAGES, 'example/client': { entrypoint: [process.execPath, CLIENT] } };
const [INIT, SIDECAR] = ['consul-connect-inject-init', 'consul-connect-envoy-sidecar'];
const STARTED = [`start ${INIT}`, `end ${INIT}`, `start ${SIDECAR}`, `ready ${SIDECAR}`];
// Envoy leaves by SIGTERM without an error, or a Job would not count as done.
const REGULAR = { code: 0, signal: null };

test('a Job: the sidecar serves before the first init container of its author, and ends after the work', async () => {
  const check = { name: 'check', image: 'example/client', args: ['checking'] };
  const report = await run(
    podOf(
      'report',
      { 'connect-service-upstreams': `db:${toDb[0]}` },
      { image: 'example/client', args: ['working'] },
      { restartPolicy: 'Never', initContainers: [check] },
    ),
    images,
  );
  await report.completed();
  assert.equal(report.container('check').log(), 'checking: db\n');
  assert.equal(report.container('report').log(), 'working: db\n');
  const work = ['start check', 'end check', 'start report', 'end report'];
  assert.deepEqual(report.journal, [...STARTED, ...work, `end ${SIDECAR}`]);
  assert.deepEqual(await report.container(SIDECAR).exited, REGULAR);
});

test('a pod that has to stop still reaches its upstreams while it does', async () => {
  const worker = await run(
    podOf(
      'worker',
      { 'connect-service-upstreams': `db:${toDb[1]}` },
      { image: 'example/client', args: ['forever'] },
    ),
    images,
  );
  const app = worker.container('worker');
  await eventually('its first answer', async () => assert.equal(app.log(), 'forever: db\n'));
  await worker.stop();
  assert.equal(app.log(), 'forever: db\nstopping: db\n');
  assert.deepEqual(worker.journal, [...STARTED, 'start worker', 'end worker', `end ${SIDECAR}`]);
});

test('without native sidecars the proxy is the last container, and serves all the same', async () => {
  const classic = await run(
    podOf(
      'classic',
      {
        'connect-service-upstreams': `db:${toDb[2]}`,
        'enable-consul-dataplane-as-sidecar': 'false',
      },
      echoContainer('classic', classicPort),
    ),
    images,
  );
  assert.deepEqual(classic.journal, [`start ${INIT}`, `end ${INIT}`, 'start classic', `start ${SIDECAR}`]);
  const { name } = await eventually('an answer of db', () => echo(toDb[2] ?? 0, Buffer.from('hello')));
  assert.equal(name, 'db');
});
