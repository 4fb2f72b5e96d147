/** The quick start of the README to the letter, the examples as they are, and what the mesh is for: agents on the nodes. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { startProcess } from '../real/harness/processes.ts';
import { createDeployment, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { consulApi, intend, withdrawIntention } from './harness/consul.ts';
import {
  applyExamples,
  countOf,
  DEMO,
  DRAIN_SECONDS,
  deletionSeconds,
  podNames,
  podOf,
  restarts,
  runJob,
  SOON_SECONDS,
  UPSTREAM_LIST,
  UPSTREAMS,
} from './harness/demos.ts';
import { testOn } from './harness/evidence.ts';
import { forwardedPage } from './harness/forwarded-page.ts';
import { quickStart } from './harness/quick-start.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { createRelay } from './harness/relay.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { createSeveralServices, proveSeveralServices } from './harness/several-services.ts';
import { proveTransparentPods, redirectByInit } from './harness/transparent-pods.ts';
import { secondsSince } from './harness/release.ts';

const PUBLIC_PORT = 20_000;
const cluster = await openCluster();
const { api } = cluster;
const consul = consulApi(cluster);
await makeNamespace(cluster, DEMO, RESTRICTED);
const { release, next, shell, environment } = await quickStart(cluster, DEMO, 'agent');
after(() => release.uninstall([DEMO]));
const test = testOn(cluster, ['tandem', DEMO]);
const page = async (path: string): Promise<string> => {
  const { status, body } = await api.request('GET', `/api/v1/namespaces/${DEMO}/${path}/proxy/`);
  assert.equal(status, 200, JSON.stringify(body));
  return String(body);
};

test('quick start: all is Ready, helm test passes, and the dashboard shows a count that grows', async (context) => {
  context.diagnostic(`agent mode: all Ready ${release.seconds} s after helm install`);
  const from = performance.now();
  for (const line of next.slice(0, -1)) await shell(line);
  context.diagnostic(`agent mode: helm test and the dashboard Ready ${secondsSince(from)} s later`);
  const [command = ''] = next.slice(-1);
  const [, port] = /^kubectl port-forward \S+ (\d+)$/.exec(command) ?? [];
  assert.ok(port, `the last command opens the dashboard: ${command}`);
  const url = `http://127.0.0.1:${port}/`;
  const forward = await startProcess({
    name: command,
    command: 'bash',
    args: ['-c', `exec ${command}`],
    environment,
    ready: async () => (await fetch(url)).ok,
  });
  const shown = async (): Promise<string> => (await fetch(url)).text();
  const [, first] = /^Count: (\d+)$/.exec(await shown()) ?? [];
  // The original, which a cluster of somebody else pulls, shows its count by a script.
  if (first !== undefined || cluster.nodes !== undefined)
    assert.equal(await shown(), `Count: ${Number(first) + 1}`);
  await forward.stop();
});

await putApps(cluster, DEMO);
await createSeveralServices(cluster, DEMO);
const client = await createRelay(cluster, DEMO, 'client', {
  'connect-service-upstreams': UPSTREAM_LIST,
});

test('every other example becomes Ready', async (context) => {
  const from = performance.now();
  await applyExamples(cluster, ['redis.yaml', 'statefulset.yaml', 'nginx.yaml']);
  for (const name of ['first', 'second'])
    await createDeployment(cluster, DEMO, name, {
      app: 'web-server.ts',
      args: [name, '8080'],
      port: 8080,
      // nginx asks them from outside of the mesh.
      annotations: { 'connect-service': 'web', 'transparent-proxy': 'false' },
    });
  await Promise.all([allReady(cluster, DEMO), podsReady(cluster, DEMO, ['client', 'dashboard', 'shop'])]);
  context.diagnostic(`agent mode: 10 more pods Ready after ${secondsSince(from)} s`);
});

test('redis.yaml: PING through the mesh, and the page of its UI', async () => {
  await eventually('an answer of Redis', async () =>
    assert.equal(await client.exchange(`127.0.0.1:${UPSTREAMS.redis}`, 'PING\r\n'), '+PONG\r\n'),
  );
  await eventually('the page of its UI', () => forwardedPage(cluster, 'service/redis-ui', 80));
});

test('job.yaml: it reaches the mesh from its init container, and ends with its work', async (context) => {
  const { seconds, lingered, log } = await runJob(cluster);
  context.diagnostic(`agent mode: the Job took ${seconds} s, and its pod ${lingered} s after its container`);
  assert.match(log, /^{"count":\d+,"hostname":"[^"]+"}$/);
  assert.ok(lingered < SOON_SECONDS, `the pod of the Job ended ${lingered} s after its container`);
});

test('statefulset.yaml: each pod is an instance by its name', async () => {
  await eventually('three instances', async () =>
    assert.deepEqual(await podNames(consul, 'store'), ['store-0', 'store-1', 'store-2']),
  );
});

test('nginx.yaml: it balances over what Consul calls healthy, and follows a Deployment that goes', async () => {
  const { metadata } = await podOf(cluster, 'nginx');
  const become = (expected: readonly string[]): Promise<void> =>
    eventually(`answers of ${expected.join()}`, async () => {
      const answers = new Set<string>();
      for (let asked = 0; asked < 4; asked += 1) answers.add(await page(`pods/${metadata.name}:8080`));
      assert.deepEqual([...answers].toSorted(), expected);
    });
  await become(['first', 'second']);
  await cluster.kubectl(['scale', 'deployment/first', '--replicas=0', '-n', DEMO]);
  await become(['second']);
});

test('only the mesh reaches the public port of a sidecar, and an intention denies it to the mesh', async () => {
  const counting = await podOf(cluster, 'counting');
  let counted = await eventually('a count', () => countOf(client.get));
  const plain = client.exchange(`${counting.status.podIP}:${PUBLIC_PORT}`, 'GET / HTTP/1.0\r\n\r\n');
  assert.equal(await plain.catch(() => ''), '');

  await intend(cluster, DEMO, 'counting', 'deny');
  await eventually('a refusal of counting', () =>
    assert.rejects(async () => {
      counted = await countOf(client.get);
    }),
  );
  assert.equal(await client.exchange(`127.0.0.1:${UPSTREAMS.redis}`, 'PING\r\n'), '+PONG\r\n');
  await withdrawIntention(cluster, DEMO, 'counting');
  // What was refused has not been counted, nor what came without a certificate.
  await eventually('an answer of counting', async () => assert.equal(await countOf(client.get), counted + 1));
});

test('a pod that is deleted leaves Consul, and does not wait for its grace period', async (context) => {
  const { metadata } = await podOf(cluster, 'second');
  const seconds = await deletionSeconds(cluster, metadata.name);
  context.diagnostic(
    `agent mode: a pod that drains for ${DRAIN_SECONDS} s is gone ${seconds} s after its deletion`,
  );
  assert.ok(seconds >= DRAIN_SECONDS, `${metadata.name} did not drain: it was gone after ${seconds} s`);
  assert.ok(seconds < SOON_SECONDS, `${metadata.name} waited for something: it was gone after ${seconds} s`);
  await eventually('Consul without it', async () =>
    assert.ok(!(await podNames(consul, 'web')).includes(metadata.name)),
  );
});

test('a pod with two services is reached as each of them, and leaves Consul with both', () =>
  proveSeveralServices(cluster, DEMO, client, consul));

test('transparent pods reach each other by a Service, and refuse plain calls', async () => {
  await proveTransparentPods(cluster, DEMO);
});

test('the same with pods that write their rules themselves', async () => {
  await redirectByInit(cluster, DEMO);
  await proveTransparentPods(cluster, DEMO, 'init');
});

test('nothing was started a second time', async () => {
  assert.deepEqual(await restarts(cluster, ['tandem', DEMO]), []);
});
