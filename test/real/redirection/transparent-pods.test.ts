/** Transparent pods in both modes, as the API server returned them, that write their rules themselves. */
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
import { startTandemSync } from '../harness/tandem-sync.ts';
import { withDataplane } from '../mesh/dataplane-image.ts';
import { passing, podOf, startMesh, type Run } from '../mesh/mesh.ts';

enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'envoy']);
const network = await startPodNetwork(scene);
const { api, consul, inject } = await startMesh(scene, {}, network);
const flags = ['--transparent-proxy', '--redirect-image=example/redirect:1'];
const [runInAgentMode, runInDataplaneMode] = await Promise.all([
  inject('agent', flags),
  inject('dataplane', [
    ...flags,
    '--proxy-mode=dataplane',
    '--owner=cluster1',
    `--consul-server-addresses=${network.nodeIp}`,
  ]),
]);
await startTandemSync(scene, api, consul, [
  '--registrar',
  '--owner=cluster1',
  `--agent-http-port=${consul.ports.http}`,
]);
const SERVER: Images = {
  'example/redirect': {},
  'example/server': { entrypoint: [process.execPath, join(import.meta.dirname, 'server.ts')] },
};
const images = withDataplane(SERVER, consul, network.nodeIp);
const ports = [{ name: 'http', containerPort: 8080 }, { containerPort: 9999 }];

async function pair(mode: string, run: Run): Promise<readonly [web: RunningPod, client: RunningPod]> {
  const web = podOf(
    `web-${mode}`,
    { 'transparent-proxy-exclude-inbound-ports': '9999' },
    {
      image: 'example/server',
      ports,
      livenessProbe: { httpGet: { path: '/healthz?full=1', port: 'http' } },
      readinessProbe: { tcpSocket: { port: 9090 } },
      startupProbe: { httpGet: { path: '/healthz', port: 8080 } },
    },
  );
  const client = podOf(`client-${mode}`, {}, { image: 'example/server', ports });
  const labelled = { ...web, metadata: { ...web.metadata, labels: { app: `web-${mode}` } } };
  const running = await Promise.all([run(labelled, images), run(client, images)]);
  await Promise.all(running.map((pod) => pod.ready()));
  await passing(consul, `web-${mode}`);
  return running;
}

const pairs = await Promise.all([pair('agent', runInAgentMode), pair('dataplane', runInDataplaneMode)]);

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

async function greetingAt(web: RunningPod, port: number): Promise<string> {
  const socket = connect(port, web.ip);
  await once(socket, 'connect');
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
  socket.write('hello');
  await delay(300);
  socket.destroy();
  return heard;
}

for (const [mode, sidecar, [web, client]] of [
  ['agent mode', ['consul-connect-inject-init', 'consul-connect-envoy-sidecar'], pairs[0]],
  ['dataplane mode', ['consul-dataplane'], pairs[1]],
] as const) {
  test(`${mode}: rules come first, then the sidecar, then the application`, () => {
    assert.deepEqual(
      web.journal.filter((entry) => entry.startsWith('start')),
      ['consul-connect-redirect', ...sidecar, web.name].map((name) => `start ${name}`),
    );
    assert.equal(web.journal[1], 'end consul-connect-redirect');
    assert.ok(web.journal.includes(`ready ${web.name}`), 'its startup probe passed by Envoy');
  });

  test(`${mode}: a plain client is refused, except at an excluded port`, async () => {
    assert.match(await ask(`http://${web.ip}:8080/healthz`), /^(ECONNRESET|UND_ERR_SOCKET)$/);
    assert.equal(await ask(`http://${web.ip}:9999/healthz`), '200 /healthz on 9999');
  });

  test(`${mode}: a client in the mesh reaches the service at its virtual address, and what is outside as before`, async () => {
    const [found] = (await consul.call('GET', `/v1/health/connect/${web.name}`)) as unknown[];
    const tagged = property(property(found, 'Service'), 'TaggedAddresses');
    const address = String(property(property(tagged, 'consul-virtual'), 'Address'));
    await eventually('an answer by the mesh', async () =>
      assert.equal(await askFrom(client, `http://${address}/healthz`), '200 /healthz on 8080'),
    );
    assert.match(await askFrom(client, `http://${web.ip}:8080/healthz`), /^(ECONNRESET|UND_ERR_SOCKET)$/);
    const leader = `http://${network.nodeIp}:${consul.ports.http}/v1/status/leader`;
    assert.match(await askFrom(client, leader), /^200 "10\.244\.0\.1:/);
  });

  test(`${mode}: a client that knows only the Kubernetes Service reaches it through the mesh`, async () => {
    const path = `/api/v1/namespaces/${web.pod.metadata?.namespace}/services`;
    const service = await api.admin.expect('POST', path, {
      metadata: { name: web.name },
      spec: { selector: { app: web.name }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    const address = String(property(property(service, 'spec'), 'clusterIP'));
    // Nobody routes cluster addresses here but the mesh; who asks too early waits for 5 s.
    await eventually('the sidecar of the client knows the address', async () =>
      assert.ok((await client.admin('/config_dump')).includes(`"${address}"`)),
    );
    assert.equal(await askFrom(client, `http://${address}/healthz`), '200 /healthz on 8080');
    assert.match(await client.admin('/stats?filter=lds.update_rejected'), /update_rejected: 0$/m);
  });

  test(`${mode}: an exposed path answers itself and nothing else, and a handshake port gives out nothing`, async () => {
    assert.equal(await ask(`http://${web.ip}:20300/healthz`), '200 /healthz on 8080');
    assert.match(await ask(`http://${web.ip}:20300/secret`), /^404/);
    assert.equal(await greetingAt(web, 20_400), '');
  });

  test(`${mode}: the probes of an application that is down fail`, async () => {
    await web.container(web.name).stop();
    // A second before it starts again.
    const [greeting, answer] = await Promise.allSettled([
      greetingAt(web, 20_400),
      ask(`http://${web.ip}:20300/healthz`),
    ]);
    assert.match(String(greeting.status === 'rejected' && greeting.reason), /ECONNREFUSED/);
    assert.match(String(answer.status === 'fulfilled' && answer.value), /^503/);
  });
}
