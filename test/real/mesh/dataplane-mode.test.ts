/**
 * Dataplane mode with the real registrar: no agent and no init container; a sidecar asks Consul once for its registration, so
 * that has to be there first.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { inConsul } from '../registrar/dataplane-pods.ts';
import { withDataplane } from './dataplane-image.ts';
import { echo, echoContainer, ECHO_IMAGES } from './echo.ts';
import { podOf, startMesh } from './mesh.ts';

enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const mesh = await startMesh(scene, {}, network);
const { api, consul } = mesh;
const run = await mesh.inject('mesh', [
  '--proxy-mode=dataplane',
  '--owner=cluster1',
  `--consul-server-addresses=${network.nodeIp}`,
]);
await startTandemSync(scene, api, consul, ['--registrar', '--owner=cluster1']);
const CLIENT = join(import.meta.dirname, 'apps/client.ts');
const images = withDataplane(
  { ...ECHO_IMAGES, 'example/client': { entrypoint: [process.execPath, CLIENT] } },
  consul,
  network.nodeIp,
);
const [SIDECAR, PORT, TO_DB] = ['consul-dataplane', 8080, 1234];
// Less than the grace period of 30 s that a sidecar must not wait out, and more than anything that is awaited here.
const SOON_SECONDS = 15;
const [db, web] = await Promise.all([
  ready(run(podOf('db', {}, echoContainer('db', PORT)), images)),
  ready(
    run(
      podOf(
        'web',
        {
          // For the test, which is no process of the pod.
          'connect-service-upstreams': `db:${TO_DB}?local_bind_address=0.0.0.0`,
          'envoy-extra-args': '--component-log-level upstream:debug',
        },
        echoContainer('web', PORT),
      ),
      images,
    ),
  ),
]);

async function ready(starting: Promise<RunningPod>): Promise<RunningPod> {
  const pod = await starting;
  await pod.ready();
  return pod;
}

async function seconds(what: Promise<unknown>): Promise<number> {
  const from = performance.now();
  await what;
  return (performance.now() - from) / 1000;
}

test('the registration is there before the sidecar asks for it: it never starts again', () => {
  for (const pod of [db, web]) {
    assert.deepEqual(pod.journal, [`start ${SIDECAR}`, `ready ${SIDECAR}`, `start ${pod.name}`]);
    assert.equal(pod.restarts(SIDECAR), 0);
  }
});

test('bytes flow between two pods that no agent knows', async () => {
  const bytes = randomBytes(100_000);
  const { name, echoed } = await eventually('an answer of db', () => echo(TO_DB, bytes, web.ip));
  assert.equal(name, 'db');
  assert.ok(echoed.equals(bytes));
});

test('the flags of the sidecar name the proxy and the node that the registrar writes', async () => {
  const info = JSON.parse(await web.admin('/server_info')) as {
    readonly node: { readonly id: string; readonly metadata: Readonly<Record<string, unknown>> };
    readonly command_line_options: Readonly<Record<string, unknown>>;
  };
  assert.equal(info.node.id, 'mesh.web.web-sidecar-proxy');
  assert.equal(info.node.metadata['node_name'], 'k8s-cluster1-node-1');
  assert.equal(info.command_line_options['concurrency'], 2);
  assert.equal(info.command_line_options['component_log_level'], 'upstream:debug');
});

test('the inbound listener has been in one place from the start', async () => {
  const listeners = await db.admin('/listeners');
  assert.match(listeners, /^public_listener:0\.0\.0\.0:20000::0\.0\.0\.0:20000$/m);
  const stats = await db.admin('/stats?filter=listener_manager.listener_(modified|removed)$');
  assert.equal(stats.trim(), 'listener_manager.listener_modified: 0\nlistener_manager.listener_removed: 0');
});

test('a Job is done when its work is done', async () => {
  const report = await run(
    podOf(
      'report',
      { 'connect-service-upstreams': `db:${TO_DB}` },
      { image: 'example/client', args: ['working'] },
      { restartPolicy: 'Never' },
    ),
    images,
  );
  await report.container('report').exited;
  const took = await seconds(report.completed());
  assert.equal(report.container('report').log(), 'working: db\n');
  assert.deepEqual(report.journal.slice(-2), ['end report', `end ${SIDECAR}`]);
  assert.deepEqual(await report.container(SIDECAR).exited, { code: 0, signal: null });
  assert.ok(took < SOON_SECONDS, `${took} s`);
});

test('a pod that is deleted is critical at once, answers while it drains, and ends with its application', async () => {
  const removed = seconds(db.remove());
  const [check] = await inConsul(consul, 'db', ['mesh.db.db critical']);
  assert.equal(check?.Output, 'the pod is terminating');
  assert.ok(!db.journal.includes('end db'), 'it has not been asked to stop yet');
  const took = await removed;
  assert.deepEqual(db.journal.slice(-2), ['end db', `end ${SIDECAR}`]);
  assert.ok(took > 3 && took < SOON_SECONDS, `${took} s`);
  await inConsul(consul, 'db', []);
});
