/** The examples, each in a namespace that enforces the restricted Pod Security profile, with the traffic they are about. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Image, Images } from '../harness/containers.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningPod } from '../harness/kubelet.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { applyExample } from './example.ts';
import { passing, startMesh } from './mesh.ts';

const APPS = join(import.meta.dirname, 'apps');
const scene = await startScene([
  'etcd',
  'kube-apiserver',
  'consul',
  'envoy',
  'redis-server',
  'nginx',
  'consul-template',
]);
const mesh = await startMesh(scene);
const { api, consul } = mesh;
const NAMESPACE = 'examples';
const [counting = 0, dashboard = 0, redis = 0, ui = 0, store = 0, nginx = 0, scrape = 0, ...upstreams] =
  await freePorts(12);
const [ofDashboard = 0, ofJob = 0, ofUi = 0, storeToRedis = 0, storeToCounting = 0] = upstreams;
const run = await mesh.inject(NAMESPACE, [`--prometheus-scrape-port=${scrape}`], {
  'pod-security.kubernetes.io/enforce': 'restricted',
});
const images: Images = {
  'hashicorp/counting-service': app('counting.ts', counting),
  'hashicorp/dashboard-service': app('dashboard.ts', dashboard),
  redis: {
    parts: ['redis-server'],
    entrypoint: ['redis-server', '--bind', '127.0.0.1', '--port', String(redis)],
  },
  'rediscommander/redis-commander': app('redis-ui.ts', ui),
  busybox: { folder: join(APPS, 'bin') },
  // The StatefulSet serves its start page with it, which is not what that example is about.
  'nginxinc/nginx-unprivileged': { parts: ['nginx'], ...app('counting.ts', store) },
  'hashicorp/consul-template': { parts: ['consul-template'] },
};

function app(file: string, port: number): Image {
  return { entrypoint: [process.execPath, join(APPS, file)], environment: { PORT: String(port) } };
}

async function runExample(
  file: string,
  changes: Readonly<Record<string, string | number>>,
): Promise<readonly RunningPod[]> {
  const pods = await applyExample(api, NAMESPACE, file, changes);
  return Promise.all(pods.map((pod) => run(pod, images)));
}

await Promise.all([
  runExample('counting.yaml', { 9001: counting }),
  runExample('redis.yaml', { 6379: redis, 'redis:1234': `redis:${ofUi}`, 8081: ui }),
]);
await Promise.all([passing(consul, 'counting'), passing(consul, 'redis')]);

async function page(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

async function ping(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write('PING\r\n');
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer];
  socket.destroy();
  return answer.toString();
}

test('counting.yaml and dashboard.yaml: the dashboard shows a count that grows', async () => {
  await runExample('dashboard.yaml', { 'counting:9001': `counting:${ofDashboard}`, 9002: dashboard });
  const count = async (): Promise<number> => Number((await page(dashboard)).replace('Count: ', ''));
  const first = await eventually('a count', count);
  assert.equal(await count(), first + 1);
});

test('redis.yaml: PING through the upstream port, and the UI that does it', async () => {
  assert.equal(await eventually('an answer of Redis', () => ping(ofUi)), '+PONG\r\n');
  assert.equal(await page(ui), 'mesh: +PONG');
});

test('job.yaml: it reaches the mesh from its init container, does its work and finishes', async () => {
  const [job] = await runExample('job.yaml', {
    'counting:9001': `counting:${ofJob}`,
    '127.0.0.1:9001': `127.0.0.1:${ofJob}`,
  });
  await job?.completed();
  for (const container of ['check', 'report'])
    assert.match(job?.container(container).log() ?? '', /^{"count":\d+,"hostname":"counting"}$/);
});

test('statefulset.yaml: a pod is an instance with its own name and meta, two upstreams, and metrics', async () => {
  const [pod] = await runExample('statefulset.yaml', {
    8080: store,
    'redis:1234': `redis:${storeToRedis}`,
    'counting:9001': `counting:${storeToCounting}`,
  });
  await eventually('an answer of Redis', () => ping(storeToRedis));
  await eventually('an answer of counting', () => page(storeToCounting));
  const instances = (await consul.call('GET', '/v1/catalog/service/store')) as readonly {
    readonly ServiceMeta: Readonly<Record<string, string>>;
  }[];
  const { 'pod-name': name, tier } = instances[0]?.ServiceMeta ?? {};
  assert.deepEqual([instances.length, name, tier], [1, 'store-0', 'storage']);
  const metrics = await (await fetch(`http://${pod?.ip}:${scrape}/metrics`)).text();
  assert.match(metrics, /consul_destination_service="redis"/);
});

test('nginx.yaml: nginx balances over what Consul calls healthy, and follows every change', async () => {
  const [first, second] = await Promise.all([startWeb('first'), startWeb('second')]);
  await register(first, 'passing');
  const [pod] = await runExample('nginx.yaml', { 8080: nginx, 8500: consul.ports.http });
  // A worker of nginx outlives its killed master.
  scene.atEnd(() => pod?.stop());
  assert.equal(pod?.pod.metadata?.labels?.['consul.hashicorp.com/connect-inject-status'], undefined);
  const answers = async (): Promise<readonly string[]> => [
    ...new Set([await page(nginx), await page(nginx), await page(nginx), await page(nginx)]),
  ];
  const become = (expected: readonly string[]): Promise<void> =>
    eventually(`answers of ${expected.join()}`, async () =>
      assert.deepEqual((await answers()).toSorted(), expected),
    );
  await become(['first']);
  await register(second, 'passing');
  await become(['first', 'second']);
  await register(first, 'critical');
  await become(['second']);

  await pod?.stop();
  // 12 is how consul-template calls an end on request; without -kill-signal only SIGKILL ends it.
  assert.deepEqual(await pod?.container('consul-template').exited, { code: 12, signal: null });
});

type Web = { readonly name: string; readonly port: number };

async function startWeb(name: string): Promise<Web> {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
  scene.atEnd(() => server.close());
  await once(server, 'listening');
  return { name, port: (server.address() as AddressInfo).port };
}

async function register({ name, port }: Web, Status: string): Promise<void> {
  await consul.call('PUT', '/v1/catalog/register', {
    Node: 'elsewhere',
    Address: '127.0.0.1',
    Service: { ID: name, Service: 'web', Address: '127.0.0.1', Port: port },
    Check: { CheckID: name, ServiceID: name, Name: 'Readiness', Status },
  });
}
