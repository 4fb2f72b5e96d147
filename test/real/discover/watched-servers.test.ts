/** Consul by an auto-join string: three real servers whose pods are in a real API server, and one that dies. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openConsulOf } from '../../../src/runtime/consul-access.ts';
import { consulFlags } from '../../../src/config/consul-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import type { OpenConsul } from '../../../src/consul/client.ts';
import { readLeader, readNodeServices } from '../../../src/consul/read.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul, type ConsulServer } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { running, serverPods } from '../harness/server-pods.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { servers: 3 })]);
await api.createNamespace('consul');
const kubeconfig = api.kubeconfig();
const pods = serverPods(api, 'consul');
const AUTO_JOIN = 'provider=k8s namespace=consul label_selector="app=consul"';

const leader = (await consul.call('GET', '/v1/status/leader')) as string;
const [first, second, third] = consul.servers.toSorted(
  (left, right) => Number(isLeader(left)) - Number(isLeader(right)),
);
assert.ok(first !== undefined && second !== undefined && third !== undefined);

function isLeader({ ports }: ConsulServer): boolean {
  return leader.endsWith(`:${ports.server}`);
}

async function createPod(name: string, { ports }: ConsulServer): Promise<void> {
  const annotations = { 'consul.hashicorp.com/auto-join-port': String(ports.http) };
  await pods.create(name, { labels: { app: 'consul' }, annotations }, running('127.0.0.1'));
}

type Watching = {
  readonly client: OpenConsul;
  /** The statuses that were answered, oldest first. */
  readonly answers: (number | 'none')[];
  readonly warnings: string[];
};

async function watching(): Promise<Watching> {
  const parsed = parseFlags(consulFlags, [`--consul-http-addr=${AUTO_JOIN}`], {});
  assert.ok(parsed.ok);
  const answers: (number | 'none')[] = [];
  const warnings: string[] = [];
  const client = await openConsulOf(parsed.values, {
    environment: {},
    kubeconfig,
    signal: new AbortController().signal,
    onRequest: ({ status }) => answers.push(status),
    warn: (message, reason) => warnings.push(`${message}: ${reason}`),
  });
  scene.atEnd(() => client.close());
  return { client, answers, warnings };
}

/** Milliseconds until a call is answered. */
async function millisecondsOf(client: OpenConsul): Promise<number> {
  const started = performance.now();
  await readNodeServices(client, 'server-1', { consistency: 'stale' });
  return performance.now() - started;
}

/** Whether something has come to this port that nobody has read: https://man7.org/linux/man-pages/man5/proc_pid_net.5.html, `rx_queue`. */
function hasUnread(port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/))
    .some(
      ([, address, , state, queues]) =>
        address?.endsWith(local) && state === '01' && !queues?.endsWith(':00000000'),
    );
}

// A second is what is asked for; a busy machine takes longer for it, and a call that waited for its deadline took 10.
const LEFT_MILLISECONDS = 5000;

test('without a server the error says so, and the first that comes is found', async () => {
  const { client } = await watching();
  await assert.rejects(readLeader(client), {
    code: 'TANDEM_CONSUL_UNREACHABLE',
    message: 'no address of a Consul server is known',
  });
  await createPod('a', first);
  assert.equal(await eventually('a leader', () => readLeader(client)), leader);
  await createPod('b', second);
  await createPod('c', third);
});

test('a bad annotation is a warning, once', async () => {
  const { client, warnings } = await watching();
  const annotations = { 'consul.hashicorp.com/auto-join-port': 'nope' };
  await pods.create('d', { labels: { app: 'consul' }, annotations }, running('127.0.0.1'));
  await pods.report('d', running('127.0.0.2'));
  await eventually('the warning', () => Promise.resolve(assert.equal(warnings.length, 1)));
  assert.match(warnings[0] ?? '', /^a Consul server pod is left out: pod consul\/d is left out: .*"nope"/);
  await pods.remove('d');
  assert.ok((await millisecondsOf(client)) < LEFT_MILLISECONDS);
  assert.equal(warnings.length, 1);
});

test('a server that hangs is left as soon as its pod is not ready, by the calls that wait for it too', async () => {
  const { client, answers } = await watching();
  await millisecondsOf(client);
  await first.process().hang();
  try {
    const held = millisecondsOf(client);
    await eventually('the call waits at the server', async () => assert.ok(hasUnread(first.ports.http)));
    const started = performance.now();
    await pods.report('a', running('127.0.0.1', 'False'));
    await held;
    assert.ok(performance.now() - started < LEFT_MILLISECONDS, `${performance.now() - started} ms`);
    assert.deepEqual(answers.slice(-2), ['none', 200]);
    await millisecondsOf(client);
    assert.equal(answers.filter((status) => status === 'none').length, 1);
  } finally {
    first.process().goOn();
    await pods.report('a', running('127.0.0.1'));
  }
});

test('a server that is killed is left within a second, before its pod says anything', async () => {
  const { client, answers } = await watching();
  await millisecondsOf(client);
  await first.process().stop('SIGKILL');
  assert.ok((await millisecondsOf(client)) < LEFT_MILLISECONDS);
  assert.ok(answers.includes('none'), 'the killed server was not the one in use');
  const before = answers.length;
  for (let call = 0; call < 10; call += 1) assert.ok((await millisecondsOf(client)) < LEFT_MILLISECONDS);
  assert.deepEqual(new Set(answers.slice(before)), new Set([200]));
  await pods.remove('a');
  assert.ok((await millisecondsOf(client)) < LEFT_MILLISECONDS);
});

test('tandem sync takes the string, and the pods of the cluster it is given', async () => {
  const sync = await startTandemSync(scene, api, { url: AUTO_JOIN });
  await eventually('a success', async () =>
    assert.ok((await sync.controller('to-consul'))?.lastSuccess !== undefined),
  );
});
