/** Transparent pods in agent mode, as the API server returned them, that write their rules themselves. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { property } from '../../../src/support/json.ts';
import type { Images } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, startPodNetwork } from '../harness/pod-network.ts';
import { inNetwork } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { passing, podOf, startMesh } from '../mesh/mesh.ts';

enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const { consul, inject } = await startMesh(scene, {}, network);
const run = await inject('mesh', ['--transparent-proxy', '--redirect-image=example/redirect:1']);
const images: Images = {
  'example/redirect': {},
  'example/server': { entrypoint: [process.execPath, join(import.meta.dirname, 'server.ts')] },
};
const ports = [{ name: 'http', containerPort: 8080 }, { containerPort: 9999 }];
const [web, client] = await Promise.all([
  run(
    podOf(
      'web',
      { 'transparent-proxy-exclude-inbound-ports': '9999' },
      {
        image: 'example/server',
        ports,
        livenessProbe: { httpGet: { path: '/healthz?full=1', port: 'http' } },
        readinessProbe: { tcpSocket: { port: 9090 } },
        startupProbe: { httpGet: { path: '/healthz', port: 8080 } },
      },
    ),
    images,
  ),
  run(podOf('client', {}, { image: 'example/server', ports }), images),
]);
await passing(consul, 'web');

const ASK = `fetch(process.argv[1]).then(
  async (answer) => console.log(answer.status, (await answer.text()).trim()),
  ({ cause }) => console.log(cause.code),
)`;

/** From a pod: status and body, or the error of the system. */
async function askFrom(pod: RunningPod, url: string): Promise<string> {
  const inside = inNetwork(`/proc/${pod.container(pod.name).pid}/ns/net`);
  const [program, ...args] = [...inside, process.execPath, '-e', ASK, url];
  const { stdout } = await promisify(execFile)(program, args);
  return stdout.trim();
}

/** From the node. */
async function ask(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { headers: { connection: 'close' } });
    return `${answer.status} ${(await answer.text()).trim()}`;
  } catch (error) {
    return String(property((error as Error).cause, 'code'));
  }
}

async function greetingAt(port: number): Promise<string> {
  const socket = connect(port, web.ip);
  await once(socket, 'connect');
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
  socket.write('hello');
  await delay(300);
  socket.destroy();
  return heard;
}

test('rules come first, then the registration, the sidecar and the application', () => {
  assert.deepEqual(web.journal.slice(0, 7), [
    'start consul-connect-redirect',
    'end consul-connect-redirect',
    'start consul-connect-inject-init',
    'end consul-connect-inject-init',
    'start consul-connect-envoy-sidecar',
    'ready consul-connect-envoy-sidecar',
    'start web',
  ]);
  assert.ok(web.journal.includes('ready web'), 'its startup probe passed by Envoy');
});

test('a plain client is refused, except at an excluded port', async () => {
  assert.match(await ask(`http://${web.ip}:8080/healthz`), /^(ECONNRESET|UND_ERR_SOCKET)$/);
  assert.equal(await ask(`http://${web.ip}:9999/healthz`), '200 /healthz on 9999');
});

test('a client in the mesh reaches the service at its virtual address, and what is outside as before', async () => {
  const [found] = (await consul.call('GET', '/v1/health/connect/web')) as unknown[];
  const tagged = property(property(found, 'Service'), 'TaggedAddresses');
  const address = String(property(property(tagged, 'consul-virtual'), 'Address'));
  await eventually('an answer by the mesh', async () =>
    assert.equal(await askFrom(client, `http://${address}/healthz`), '200 /healthz on 8080'),
  );
  assert.match(await askFrom(client, `http://${web.ip}:8080/healthz`), /^(ECONNRESET|UND_ERR_SOCKET)$/);
  const leader = `http://${network.nodeIp}:${consul.ports.http}/v1/status/leader`;
  assert.match(await askFrom(client, leader), /^200 "10\.244\.0\.1:/);
});

test('an exposed path answers itself and nothing else, and a handshake port gives out nothing', async () => {
  assert.equal(await ask(`http://${web.ip}:20300/healthz`), '200 /healthz on 8080');
  assert.match(await ask(`http://${web.ip}:20300/secret`), /^404/);
  assert.equal(await greetingAt(20_400), '');
});

test('the probes of an application that is down fail', async () => {
  await web.container('web').stop();
  // A second before it starts again.
  const [greeting, answer] = await Promise.allSettled([
    greetingAt(20_400),
    ask(`http://${web.ip}:20300/healthz`),
  ]);
  assert.match(String(greeting.status === 'rejected' && greeting.reason), /ECONNREFUSED/);
  assert.match(String(answer.status === 'fulfilled' && answer.value), /^503/);
});
