/**
 * Somebody who may create pods in one namespace and nothing else, or who only reaches the port of the webhook, against pods
 * of others that are created at the same time. The API server is real, and gives the webhook five seconds.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { PATIENCE } from '../../../src/http/refusal.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';
import { startWebhook } from '../harness/webhook.ts';

const scene = await startScene(['etcd', 'kube-apiserver']);
const api = await startApiServer(scene);
const NAMESPACE = 'shop';
await api.createNamespace(NAMESPACE);
const webhook = await startWebhook(scene, api, NAMESPACE);
const port = Number(/"tls":"[^"]*:(\d+)"/.exec(webhook.log())?.[1]);

const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
await api.admin.expect('POST', `${RBAC}/roles`, {
  metadata: { name: 'pods-only' },
  rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['create'] }],
});
await api.admin.expect('POST', `${RBAC}/rolebindings`, {
  metadata: { name: 'pods-only' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pods-only' },
  subjects: [{ kind: 'User', name: 'stranger' }],
});
const strangers = await Promise.all([1, 2].map(() => api.asUser('stranger')));

const PREFIX = 'consul.hashicorp.com/';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`;
// What the API server takes (k8s.io/apiserver, MaxRequestBodyBytes).
const LARGEST = 3 * 1024 * 1024;
const INNOCENTS = 4;
// Ten a second: enough to be hurt, and the rest of the machine is for the attack.
const PAUSE_MILLISECONDS = 100;

type Container = Readonly<Record<string, unknown>>;

function podOf(
  annotations: Readonly<Record<string, string>>,
  containers: readonly Container[] = [{ name: 'web', image: 'web' }],
  spec: object = {},
): object {
  const all = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]));
  return {
    metadata: { generateName: 'pod-', annotations: { [`${PREFIX}connect-inject`]: 'true', ...all } },
    spec: { containers, ...spec },
  };
}

function many<T>(count: number, item: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => item(index));
}

const containers = (count: number): Container[] =>
  many(count, (index) => ({ name: `c${index}`, image: 'i' }));
const upstreams = (count: number): string => many(count, (index) => `u${index}:${30_000 + index}`).join(',');
/** As much of it as a request may hold. */
const fill = (unit: string): string => unit.repeat(Math.floor((LARGEST - 10_000) / unit.length));
const innocent = podOf({ 'connect-service-upstreams': 'db:1234' });

/** What the API server makes more of, or reads before it asks: defaults, managed fields, and the patch of the answer. */
const created: Readonly<Record<string, () => object>> = {
  '300 upstreams in 1,000 containers': () =>
    podOf({ 'connect-service-upstreams': upstreams(300) }, containers(1000)),
  // With all that it adds they are more than a review may have.
  '16,000 containers': () => podOf({}, containers(16_000)),
  'one value of 3 MiB': () => podOf({}, [{ name: 'c', image: 'i', args: [fill('x')] }]),
};

/** What it passes on as it is: half of a second of its processor for each would be all that it adds. */
const reviewed: Readonly<Record<string, () => object>> = {
  '20,000 upstreams': () => podOf({ 'connect-service-upstreams': upstreams(20_000) }),
  '300 upstreams and 60,000 variables': () =>
    podOf({ 'connect-service-upstreams': upstreams(300) }, [
      { name: 'c', image: 'i', env: many(60_000, (index) => ({ name: `V${index}`, value: 'v' })) },
    ]),
  '300,000 names to mount in 8,000 containers': () =>
    podOf(
      { 'connect-inject-mount-volume': many(300_000, (index) => `n${index}`).join(',') },
      containers(8000),
    ),
  '60,000 annotations that nobody knows': () =>
    podOf(Object.fromEntries(many(60_000, (index) => [`connect-servic-${index}`, 'x']))),
  '60,000 entries of meta': () =>
    podOf(Object.fromEntries(many(60_000, (index) => [`service-meta-k${index}`, 'x']))),
  'a million tags': () => podOf({ 'service-tags': fill('a,') }),
  'upstreams that are all wrong': () => podOf({ 'connect-service-upstreams': fill('a,') }),
  'arguments without end': () => podOf({ 'envoy-extra-args': fill(`'a' `) }),
  'a quote that does not end': () => podOf({ 'envoy-extra-args': `'${fill('a')}` }),
  'volumes in JSON': () => podOf({ 'consul-sidecar-user-volume': `[${fill('{},')}{}]` }),
  'volumes in JSON, nested': () => podOf({ 'consul-sidecar-user-volume': fill('[') }),
  'a million empty tolerations': () => podOf({}, undefined, { tolerations: many(1_000_000, () => ({})) }),
  'a name of 3 MiB': () => podOf({ 'connect-service': fill('x') }),
};

/** Milliseconds that each of the innocent pods took, while `busy` goes on, and at least `INNOCENTS`. */
async function innocents(busy: Promise<unknown>): Promise<readonly number[]> {
  const attack = { isOver: false };
  void busy.finally(() => (attack.isOver = true)).catch(() => undefined);
  const times: number[] = [];
  while (!attack.isOver || times.length < INNOCENTS) {
    const start = performance.now();
    const { status, body } = await api.admin.request('POST', PODS, innocent);
    times.push(performance.now() - start);
    assert.equal(status, 201, JSON.stringify(body));
    assert.match(JSON.stringify(body), /"consul\.hashicorp\.com\/connect-inject-status":"injected"/);
    await wait(PAUSE_MILLISECONDS);
  }
  await busy;
  return times;
}

const undisturbed = median(await innocents(Promise.resolve()));

function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? NaN;
}

/** Every one was admitted, so within the API server's time; the usual one is not even slow. */
async function assertUnhurt(context: TestContext, attack: Promise<unknown>): Promise<void> {
  const from = webhook.position();
  const times = await innocents(attack);
  const most = Math.max(...times);
  const engine = [...webhook.log(from).matchAll(/"durationMs":([\d.]+)/g)].map(([, text]) => Number(text));
  context.diagnostic(
    `${times.length} innocent pods: median ${median(times).toFixed(0)} ms (undisturbed ${undisturbed.toFixed(0)} ms), ` +
      `slowest ${most.toFixed(0)} ms; slowest answer of the webhook ${Math.max(...engine).toFixed(0)} ms; peak ${peakMemory()} MiB`,
  );
  assert.ok(most < 5000, `an innocent pod took ${most} ms`);
  assert.ok(peakMemory() < 256, 'the memory of the deployment is enough');
}

/** MiB; of the whole life of the process, without the pages of its files, which the kernel takes back when it needs them. */
function peakMemory(): number {
  const status = readFileSync(`/proc/${webhook.pid}/status`, 'utf8');
  const kibibytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return Math.round((kibibytes('VmHWM') - kibibytes('RssFile')) / 1024);
}

test('the stranger may create pods there, and nothing else', async () => {
  const [stranger = assert.fail()] = strangers;
  assert.equal((await stranger.request('POST', PODS, innocent)).status, 201);
  assert.equal((await stranger.request('GET', `/api/v1/namespaces/${NAMESPACE}/pods`)).status, 403);
  assert.equal((await stranger.request('POST', '/api/v1/namespaces/default/pods', innocent)).status, 403);
});

for (const [name, make] of Object.entries(created)) {
  test(`${name}, from two clients at once: pods of others are admitted`, async (context) => {
    const pod = make();
    const attack = Promise.all(strangers.map((stranger) => stranger.request('POST', PODS, pod)));
    await assertUnhurt(context, attack);
    context.diagnostic(`the stranger got ${(await attack).map(({ status }) => status).join()}`);
  });
}

for (const [name, make] of Object.entries(reviewed)) {
  test(`${name}, in two reviews at once: pods of others are admitted`, async (context) => {
    const body = reviewOf(make());
    const attack = Promise.all(strangers.map(async () => answered(await tls(), body)));
    await assertUnhurt(context, attack);
    for (const answer of await attack) assert.match(answer, /^HTTP\/1\.1 (200|413) /);
  });
}

const sockets = new Set<Socket>();
after(() => {
  for (const socket of sockets) socket.destroy();
});

function kept<S extends Socket>(socket: S): S {
  sockets.add(socket.on('error', () => undefined));
  socket.once('close', () => sockets.delete(socket));
  return socket;
}

/** Resolves at the event, or when the connection ends, however it does. */
function until(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve()).once('close', () => resolve());
  });
}

async function tls(): Promise<Socket> {
  const socket = kept(connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }));
  await until(socket, 'secureConnect');
  return socket;
}

const head = (length: number): string =>
  `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
// Longer than the webhook is patient.
const DURATION = PATIENCE + 1000;
// Who floods it waits for nothing: all that there is to see comes at once.
const FLOOD = 1500;

// Who is turned away comes again: often enough to be in the way, and the rest of the machine is for the webhook.
const AGAIN_MILLISECONDS = 200;

/** Does it again and again in several places. */
async function forAWhile(places: number, attack: () => Promise<unknown>, duration = DURATION): Promise<void> {
  const end = performance.now() + duration;
  await Promise.all(
    many(places, async () => {
      while (performance.now() < end) await attack();
    }),
  );
}

/** The begin of the answer; empty when there is none. */
async function answered(socket: Socket, body: string): Promise<string> {
  let answer = '';
  socket.once('data', (chunk) => (answer = String(chunk)));
  socket.write(head(body.length) + body);
  await until(socket, 'data');
  socket.destroy();
  return answer;
}

/** As the API server would send it for the pod. */
function reviewOf(object: object): string {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = { uid: 'x', kind, namespace: NAMESPACE, operation: 'CREATE', object };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

const SIZE = 7 * 1024 * 1024;
const attacks: Readonly<Record<string, () => Promise<unknown>>> = {
  '1,500 connections that say nothing': async () => {
    for (let index = 0; index < 1500; index += 1) {
      const socket = kept(connectTcp(port, '127.0.0.1'));
      await until(socket, 'connect');
    }
    await wait(2000);
  },
  'bodies that stall when most of them is there': () =>
    forAWhile(8, async () => {
      const socket = await tls();
      socket.resume().write(head(SIZE) + ' '.repeat(SIZE - 1));
      await until(socket, 'close');
      await wait(AGAIN_MILLISECONDS);
    }),
  'many small bodies that stall': () =>
    forAWhile(300, async () => {
      const socket = await tls();
      socket.resume().write(`${head(200_000)}${' '.repeat(120_000)}`);
      await until(socket, 'close');
      await wait(AGAIN_MILLISECONDS);
    }),
  'a flood of bodies of 7 MiB': () => {
    const body = `[${'{},'.repeat(SIZE / 3 - 10)}{}]`;
    return forAWhile(6, async () => answered(await tls(), body), FLOOD);
  },
  'answers that nobody takes': async () => {
    // 18,000 variables in all, 2.8 MB of an answer for 12 kB; a pod that would get more than 20,000 is denied, in a few words.
    const longest = many(150, (index) => `${`u${index}`.padEnd(63, 'x')}:${30_000 + index}`).join(',');
    const body = reviewOf(podOf({ 'connect-service-upstreams': longest }, containers(60)));
    const [, length] = /content-length: (\d+)/i.exec(await answered(await tls(), body)) ?? [];
    assert.ok(Number(length) > 2_500_000, `an answer has ${length} bytes`);
    // At once, so that one turn of the webhook has them all.
    await forAWhile(
      30,
      async () => {
        const socket = await tls();
        socket.pause().write(head(body.length) + body);
        await Promise.race([until(socket, 'close'), wait(1000)]);
      },
      FLOOD,
    );
  },
};

for (const [name, attack] of Object.entries(attacks)) {
  test(`${name}, straight at the port: pods are admitted`, async (context) => {
    await assertUnhurt(context, attack());
    for (const socket of sockets) socket.destroy();
  });
}
