/** Transparent pods of both modes and both ways, as the API server returned them: by Envoy, past it, and without it. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { property } from '../../../src/support/json.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import { askHealth } from '../harness/grpc-health.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { enterOwnNetwork, needRoot } from '../harness/pod-network.ts';
import { inNetwork } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';
import { placedPods } from '../registrar/placed-pods.ts';
import { watchAnswers } from './answers.ts';
import { peersInPods, startPeer, type Peer } from './peer.ts';
import { ask, EXCLUDED, startTransparentPods, type Mode, type Pair } from './transparent-scene.ts';

needRoot();
enterOwnNetwork();
const scene = await startScene(['etcd', 'kube-apiserver', 'helm', 'consul', 'envoy', 'nft', 'dig']);
const { api, consul, network, pairs } = await startTransparentPods(scene);
const { nodeIp, nodeIp6 } = network;
execFileSync('sh', [
  '-ec',
  `ip addr add ${EXCLUDED.IPv4}/32 dev pods; ip addr add ${EXCLUDED.IPv6}/128 dev pods nodad`,
]);
const node = startPeer(scene);
const inside = peersInPods(scene);
await node.serve({ 7000: 'node', [EXCLUDED.outbound]: 'node' });

/** An Envoy that passes a call on to where nobody speaks plainly ends it, in one of these ways. */
const CUT = /^(ECONNRESET|UND_ERR_SOCKET)$/;
const SIDECARS: Readonly<Record<Mode, readonly string[]>> = {
  agent: ['consul-connect-inject-init', 'consul-connect-envoy-sidecar'],
  dataplane: ['consul-dataplane'],
};

function ip6Of({ link }: RunningPod): string {
  return link?.ip6 ?? '';
}

async function virtualAddress(service: string): Promise<string> {
  const [found] = (await consul.call('GET', `/v1/health/connect/${service}`)) as unknown[];
  const tagged = property(property(found, 'Service'), 'TaggedAddresses');
  return String(property(property(tagged, 'consul-virtual'), 'Address'));
}

const servicesOf = ({ pod }: RunningPod, name = ''): string =>
  `/api/v1/namespaces/${pod.metadata?.namespace}/services/${name}`;

async function serve(running: RunningPod): Promise<string> {
  const { name } = running;
  const service = await api.admin.expect('POST', servicesOf(running), {
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  return String(property(property(service, 'spec'), 'clusterIP'));
}

/** What the admin interface of its Envoy answers. */
const admin = (pod: RunningPod, path: string): Promise<string> =>
  inside(pod).get(`http://127.0.0.1:19000${path}`);

/** Nobody routes cluster addresses here but the mesh; who asks too early waits for 5 s. */
async function knows(pod: RunningPod, address: string): Promise<void> {
  await eventually(`the sidecar of ${pod.name} knows ${address}`, async () =>
    assert.ok((await admin(pod, '/config_dump?resource=dynamic_listeners')).includes(`"${address}"`)),
  );
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

for (const { mode, web, client } of pairs) {
  for (const pod of [web, client])
    test(`${pod.name}: redirection comes first, then the sidecar, then the application`, () => {
      assert.deepEqual(
        pod.journal.filter((entry) => entry.startsWith('start')),
        ['consul-connect-redirect', ...SIDECARS[mode], pod.name].map((name) => `start ${name}`),
      );
      assert.equal(pod.journal[1], 'end consul-connect-redirect');
    });

  test(`${mode} mode: an application's startup probe passes by Envoy`, () =>
    assert.ok(web.journal.includes(`ready ${web.name}`)));

  for (const [from, to] of [
    [client, web],
    [web, client],
  ] as const) {
    test(`${to.name}: a plain client is refused, by both families, except at an excluded port`, async () => {
      assert.match(await ask(`http://${to.ip}:8080/healthz`), CUT);
      assert.equal(await ask(`http://[${ip6Of(to)}]:8080/healthz`), 'ECONNREFUSED');
      for (const host of [to.ip, `[${ip6Of(to)}]`])
        assert.equal(await ask(`http://${host}:9999/healthz`), '200 /healthz on 9999');
    });

    test(`${from.name} reaches ${to.name} at its virtual address, and what is outside as before`, async () => {
      const url = `http://${await virtualAddress(to.name)}/who`;
      await eventually('an answer by the mesh', async () =>
        assert.equal(await inside(from).get(url), `200 ${to.name} on 8080`),
      );
      assert.match(await inside(from).get(`http://${to.ip}:8080/healthz`), CUT);
      for (const host of [ip6Of(to), nodeIp6])
        assert.equal(await inside(from).get(`http://[${host}]:7000/`), 'ECONNREFUSED');
      const leader = `http://${nodeIp}:${consul.ports.http}/v1/status/leader`;
      assert.match(await inside(from).get(leader), /^200 "10\.244\.0\.1:/);
    });

    test(`${from.name} knows only the Kubernetes Service of ${to.name}, and reaches it through the mesh`, async () => {
      const address = await serve(to);
      await knows(from, address);
      assert.equal(await inside(from).get(`http://${address}/who`), `200 ${to.name} on 8080`);
    });
  }

  test(`${mode} mode: an exposed path answers itself and nothing else, and a handshake port gives out nothing`, async () => {
    assert.equal(await ask(`http://${web.ip}:20300/healthz`), '200 /healthz on 8080');
    assert.match(await ask(`http://${web.ip}:20300/secret`), /^404/);
    assert.equal(await greetingAt(web, 20_400), '');
    assert.equal(await ask(`http://${client.ip}:20800/started`), '200 /started on 8080');
    assert.match(await ask(`http://${client.ip}:20800/stopping`), /^404/);
    assert.equal(await askHealth(client.ip, 20_400), 'SERVING');
    assert.equal(await askHealth(client.ip, 20_400, '/grpc.health.v1.Health/Watch'), 'status 12');
  });
}

async function looked({ link }: RunningPod, transport: string, name: string): Promise<string> {
  const words = [...inNetwork(link?.path), partPath('dig'), '+short', '@127.0.0.1', transport, name];
  const { stdout } = await promisify(execFile)(words[0] ?? '', words.slice(1));
  return stdout.trim();
}

test('dataplane mode: the sidecar answers the DNS of its pod, by UDP and TCP, and the name leads to the service', async () => {
  const [, { web, client }] = pairs;
  assert.deepEqual(client.pod.spec?.dnsConfig?.nameservers, ['127.0.0.1']);
  const name = `${web.name}.virtual.consul`;
  const address = await virtualAddress(web.name);
  for (const transport of ['+notcp', '+tcp']) assert.equal(await looked(client, transport, name), address);
});

const MOVING = '10.96.7.7';
function haveMoving(web: RunningPod): Promise<unknown> {
  const spec = { clusterIP: MOVING, selector: { app: web.name }, ports: [{ port: 80, targetPort: 8080 }] };
  return api.admin.expect('POST', servicesOf(web), { metadata: { name: 'moving' }, spec });
}

/** More pods of a service, not ready: nobody is sent to them, and they have its address nevertheless. */
async function addPods({ pod }: RunningPod, service: string): Promise<void> {
  const pods = placedPods(api, pod.metadata?.namespace ?? '');
  for (const index of [1, 2, 3, 4])
    await pods.create(`${service}-${index}`, {
      hostIp: nodeIp,
      isInitialized: true,
      isReady: false,
      annotations: { 'connect-service': service },
      labels: { app: service },
    });
}

test('an address that moves leads nobody to a wrong service, and no Envoy refuses a listener for it', async () => {
  const [one, other] = pairs;
  for (const { web } of pairs) {
    await api.admin.expect('DELETE', servicesOf(web, web.name));
    await addPods(web, web.name);
  }
  await addPods(one.web, 'ghost');
  const [stays, moves] = await Promise.all([
    Promise.all(
      pairs.map(async ({ web, client }) =>
        watchAnswers(scene, client, `http://${await virtualAddress(web.name)}/who`, 30_000),
      ),
    ),
    Promise.all(pairs.map(({ client }) => watchAnswers(scene, client, `http://${MOVING}/who`, 500))),
  ]);
  const become = (answer: string): Promise<unknown> =>
    Promise.all(moves.map((answers) => answers.become(answer)));
  const answerOf = ({ web }: Pair): string => `200 ${web.name} on 8080`;

  await haveMoving(one.web);
  await become(answerOf(one));
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    await api.admin.expect('DELETE', servicesOf(from.web, 'moving'));
    await haveMoving(to.web);
    await become(answerOf(to));
  }
  for (const [app, answer] of [
    ['ghost', 'none'],
    [one.web.name, answerOf(one)],
  ] as const) {
    await api.admin.expect(
      'PATCH',
      servicesOf(one.web, 'moving'),
      { spec: { selector: { app } } },
      MERGE_PATCH,
    );
    await become(answer);
  }

  for (const answers of moves) {
    const given = answers.all().filter((answer) => answer !== 'none');
    const distinct = given.filter((answer, index) => answer !== given[index - 1]);
    assert.deepEqual(distinct, [one, other, one].map(answerOf));
  }
  assert.deepEqual(
    stays.map((answers) => answers.all()),
    pairs.map((pair) => [answerOf(pair)]),
  );
  for (const pod of pairs.flatMap(({ web, client }) => [web, client]))
    assert.match(await admin(pod, '/stats?filter=lds.update_rejected'), /update_rejected: 0$/m);
});

// From here on applications and sidecars end.
for (const { mode, web, client } of pairs) {
  test(`${mode} mode: the probes and hooks of an application that is down fail`, async () => {
    await Promise.all([web, client].map((pod) => pod.container(pod.name).stop()));
    // A second before it starts again.
    const [greeting, answer, health, ...hooks] = await Promise.allSettled([
      greetingAt(web, 20_400),
      ask(`http://${web.ip}:20300/healthz`),
      askHealth(client.ip, 20_400),
      ask(`http://${client.ip}:20700/stopping`),
      ask(`http://${client.ip}:20800/started`),
    ]);
    assert.match(String(greeting.status === 'rejected' && greeting.reason), /ECONNREFUSED/);
    assert.match(String(answer.status === 'fulfilled' && answer.value), /^503/);
    assert.equal(health.status === 'fulfilled' && health.value, 'status 14');
    // The kubelet starts the container anew after such a postStart, and goes on after such a preStop.
    for (const hook of hooks) assert.match(String(hook.status === 'fulfilled' && hook.value), /^503/);
  });

  test(`${mode} mode: the hook of a pod that stops reaches its application by Envoy`, async () => {
    await client.ready();
    await client.stop();
    assert.match(client.container(client.name).log(), /asked for \/stopping/);
  });

  test(`${mode} mode: without Envoy all is refused but what the pod excludes, by both families`, async () => {
    await inside(client).serve({ 9090: 'app', [EXCLUDED.inbound]: 'plain' });
    for (const [outside, excluded, its, loopback] of [
      [nodeIp, EXCLUDED.IPv4, client.ip, '127.0.0.1'],
      [nodeIp6, EXCLUDED.IPv6, ip6Of(client), '::1'],
    ] as const)
      assert.deepEqual(await withoutEnvoy(inside(client), { outside, excluded, its, loopback }), {
        outside: 'ECONNREFUSED',
        'excluded port': 'node',
        'excluded network': 'node',
        'excluded user': 'node',
        'user of the sidecar': 'node',
        loopback: 'app',
        'own address': 'app',
        'plain inbound': 'ECONNREFUSED',
        'excluded inbound port': 'plain',
      });
  });
}

type Addresses = Readonly<Record<'outside' | 'excluded' | 'its' | 'loopback', string>>;

async function withoutEnvoy(peer: Peer, { outside, excluded, its, loopback }: Addresses): Promise<object> {
  const asUser = (uid: number): Promise<string> => peer.call({ host: outside, port: 7000, uid });
  return {
    outside: await asUser(1000),
    'excluded port': await peer.call({ host: outside, port: EXCLUDED.outbound }),
    'excluded network': await peer.call({ host: excluded, port: 7000 }),
    'excluded user': await asUser(EXCLUDED.uid),
    'user of the sidecar': await asUser(5995),
    loopback: await peer.call({ host: loopback, port: 9090 }),
    'own address': await peer.call({ host: its, port: 9090 }),
    'plain inbound': await node.call({ host: its, port: 9090 }),
    'excluded inbound port': await node.call({ host: its, port: EXCLUDED.inbound }),
  };
}
