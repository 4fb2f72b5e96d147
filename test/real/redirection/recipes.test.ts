/** The recipes of docs/transparent-proxy.md, written to Consul as they stand there, do what they say. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, needRoot, startPodNetwork } from '../harness/pod-network.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { withDataplane } from '../mesh/dataplane-image.ts';
import { passing, podOf, startMesh } from '../mesh/mesh.ts';
import { partPath } from '../parts.ts';
import { peersInPods } from './peer.ts';
import { ask } from './transparent-scene.ts';

needRoot();
enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const { api, consul, inject } = await startMesh(scene, {}, network);
const run = await inject('recipes', [
  '--proxy-mode=dataplane',
  `--consul-server-addresses=${network.nodeIp}`,
  '--transparent-proxy',
  '--redirect-image=example/redirect:1',
  '--owner=cluster1',
]);
await startTandemSync(scene, api, consul, ['--registrar', '--owner=cluster1']);
const entrypoint = [process.execPath, join(import.meta.dirname, 'server.ts')];
const images = withDataplane(
  { 'example/redirect': {}, 'example/server': { entrypoint } },
  consul,
  network.nodeIp,
);

async function start(name: string, annotations: Readonly<Record<string, string>>): Promise<RunningPod> {
  const container = {
    image: 'example/server',
    ports: [{ containerPort: 8080 }],
    env: [{ name: 'WHO', value: name }],
  };
  const pod = await run(podOf(name, annotations, container), images);
  await pod.ready();
  await passing(consul, name);
  return pod;
}

const [web, client, member] = await Promise.all([
  start('web', { 'transparent-proxy-exclude-inbound-ports': '9999' }),
  start('client', {}),
  start('member', {
    'transparent-proxy-exclude-outbound-cidrs': network.nodeIp,
    'transparent-proxy-exclude-outbound-ports': '9999',
  }),
]);
const inside = peersInPods(scene);
const REGISTERED = `http://${web.ip}:8080/healthz`;
const EXCLUDED = `http://${web.ip}:9999/healthz`;
/** Something that answers outside of the mesh. */
const OUTSIDE = `http://${network.nodeIp}:${consul.ports.http}/v1/status/leader`;
const REFUSED = /^(ECONNRESET|UND_ERR_SOCKET)$/;
const RECIPES = readFileSync(join(import.meta.dirname, '../../../docs/transparent-proxy.md'), 'utf8');

/** Writes the config entry that the document shows under this heading. */
async function follow(heading: string, kind: string): Promise<void> {
  const [, section = ''] = RECIPES.split(new RegExp(`^##+ ${heading}\n`, 'm'));
  const entries = [...section.matchAll(/```hcl\n([^`]*)```/g)].map(([, text = '']) => text);
  const entry = entries.find((text) => text.includes(`Kind = "${kind}"`));
  assert.ok(entry !== undefined, `no ${kind} under ${heading}`);
  const file = join(scene.folder, `${kind}.hcl`);
  writeFileSync(file, entry);
  await promisify(execFile)(partPath('consul'), ['config', 'write', `-http-addr=${consul.url}`, file]);
}

test('permissive mTLS: a plain client reaches the registered port', async () => {
  assert.match(await ask(REGISTERED), REFUSED);
  await follow('Plain clients, for a while', 'mesh');
  await follow('Plain clients, for a while', 'service-defaults');
  await eventually('a plain answer', async () => assert.match(await ask(REGISTERED), /^200 .*8080/));
});

test('dialed directly: a pod address goes through the mesh, and every port to the registered one', async () => {
  await follow('Ingress controllers, and clients of headless Services', 'service-defaults');
  await eventually('an answer by the mesh', async () =>
    assert.match(await inside(client).get(`http://${web.ip}:9090/healthz`), /^200 .*8080/),
  );
  // The sidecar of the client speaks TLS to what the other side does not redirect.
  assert.match(await inside(client).get(EXCLUDED), REFUSED);
  assert.match(await inside(member).get(EXCLUDED), /^200 .*9999/, 'unless the client excludes it, too');
  await eventually('plain clients are refused again', async () =>
    assert.match(await ask(REGISTERED), REFUSED),
  );
});

test('only destinations in the mesh, and what is excluded', async () => {
  await follow('Only destinations in the mesh', 'mesh');
  await eventually('what is outside is refused', async () =>
    assert.match(await inside(client).get(OUTSIDE), REFUSED),
  );
  assert.match(await inside(member).get(OUTSIDE), /^200 /);
  assert.match(await inside(member).get(EXCLUDED), /^200 .*9999/);
});

test('IPv6: the outbound listener takes both families, and IPv4 as before', async () => {
  await follow('IPv6', 'proxy-defaults');
  await eventually('the listener', async () =>
    assert.match(await client.admin('/listeners'), /\[::\]:15001/),
  );
  assert.match(await inside(client).get(REGISTERED), /^200 .*8080/);
});
