/** Nothing of Consul on the nodes: the same examples, and the ends of pods, Jobs and Deployments. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { createDeployment, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { consulApi } from './harness/consul.ts';
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
import { podsOf } from './harness/list.ts';
import { startLoad } from './harness/load.ts';
import { quickStart } from './harness/quick-start.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { registrarStarted } from './harness/sync-status.ts';
import { createRelay } from './harness/relay.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { createSeveralServices, proveSeveralServices } from './harness/several-services.ts';
import { proveTransparentPods, redirectByInit } from './harness/transparent-pods.ts';
import { RELEASE, secondsSince } from './harness/release.ts';

const cluster = await openCluster();
const consul = consulApi(cluster);
await makeNamespace(cluster, DEMO, RESTRICTED);
const { release } = await quickStart(cluster, DEMO, 'dataplane');
after(() => release.uninstall([DEMO]));
await putApps(cluster, DEMO);
const test = testOn(cluster, ['tandem', DEMO]);

test('all is Ready, and helm test passes', async (context) => {
  context.diagnostic(`dataplane mode: all Ready ${release.seconds} s after helm install`);
  context.diagnostic(`dataplane mode: helm test took ${await release.test()} s`);
});

await registrarStarted(cluster);
await createSeveralServices(cluster, DEMO);
const client = await createRelay(cluster, DEMO, 'client', {
  'connect-service-upstreams': UPSTREAM_LIST,
});

test('the examples become Ready and reach each other', async (context) => {
  const from = performance.now();
  await applyExamples(cluster, ['counting.yaml', 'dashboard.yaml', 'redis.yaml', 'statefulset.yaml']);
  await createDeployment(cluster, DEMO, 'server', {
    replicas: 3,
    app: 'web-server.ts',
    args: ['server', '8080'],
    port: 8080,
    annotations: {},
  });
  await Promise.all([allReady(cluster, DEMO), podsReady(cluster, DEMO, ['dashboard', 'client', 'shop'])]);
  context.diagnostic(`dataplane mode: 11 pods Ready after ${secondsSince(from)} s`);
  await eventually('a count', () => countOf(client.get));
  await eventually('an answer of Redis', async () =>
    assert.equal(await client.exchange(`127.0.0.1:${UPSTREAMS.redis}`, 'PING\r\n'), '+PONG\r\n'),
  );
  // Both pages answer with an error while what they show cannot be reached.
  for (const [target, port] of [
    ['pod/dashboard', 9002],
    ['service/redis-ui', 80],
  ] as const)
    await eventually(`the page of ${target}`, () => forwardedPage(cluster, target, port));
  await eventually('three instances', async () =>
    assert.deepEqual(await podNames(consul, 'store'), ['store-0', 'store-1', 'store-2']),
  );
});

test('job.yaml: its pod ends with its container', async (context) => {
  const { seconds, lingered, log } = await runJob(cluster);
  context.diagnostic(
    `dataplane mode: the Job took ${seconds} s, and its pod ${lingered} s after its container`,
  );
  assert.match(log, /^{"count":\d+,"hostname":"[^"]+"}$/);
  assert.ok(lingered < SOON_SECONDS, `the pod of the Job ended ${lingered} s after its container`);
});

test('a pod that is deleted drains, and does not wait for its grace period', async (context) => {
  const { metadata } = await podOf(cluster, 'counting');
  const seconds = await deletionSeconds(cluster, metadata.name);
  context.diagnostic(
    `dataplane mode: a pod that drains for ${DRAIN_SECONDS} s is gone ${seconds} s after its deletion`,
  );
  assert.ok(seconds >= DRAIN_SECONDS, `${metadata.name} did not drain: it was gone after ${seconds} s`);
  assert.ok(seconds < SOON_SECONDS, `${metadata.name} waited for something: it was gone after ${seconds} s`);
});

test('a rolling restart of a server, asked 20 times a second through a sidecar, loses no request', async (context) => {
  const names = async (): Promise<readonly string[]> =>
    (await podsOf(cluster.api, DEMO, 'app=server')).map(({ metadata }) => metadata.name);
  const before = new Set(await names());
  const load = await startLoad(cluster, DEMO, { service: 'server', rate: 20, connections: 'new' });
  await cluster.kubectl(['rollout', 'restart', 'deployment/server', '-n', DEMO]);
  await allReady(cluster, DEMO);
  await eventually('the end of the old pods', async () =>
    assert.ok((await names()).every((name) => !before.has(name))),
  );
  const { answers, failures } = await load.end();
  const answered = Object.values(answers).reduce((sum, count) => sum + count, 0);
  const asked = answered + failures.length;
  context.diagnostic(`dataplane mode: a rolling restart lost ${failures.length} of ${asked} requests`);
  assert.deepEqual(failures, []);
  assert.ok(answered > 100, `only ${answered} answers: the load hardly ran`);
});

test('a pod with two services is reached as each of them, and leaves Consul with both', () =>
  proveSeveralServices(cluster, DEMO, client, consul));

const transparent: Awaited<ReturnType<typeof proveTransparentPods>>[] = [];

test('transparent pods reach each other by a Service, and refuse plain calls', async () => {
  transparent.push(await proveTransparentPods(cluster, DEMO));
});

test('the same with pods that write their rules themselves', async () => {
  await redirectByInit(cluster, DEMO);
  transparent.push(await proveTransparentPods(cluster, DEMO, 'init'));
});

test('nothing was started a second time', async () => {
  assert.deepEqual(await restarts(cluster, ['tandem', DEMO]), []);
});

test('uninstalled, transparent pods of both ways stay in the mesh, and can go', async () => {
  assert.equal(transparent.length, 2);
  await cluster.helm(['uninstall', RELEASE, `--namespace=${RELEASE}`, '--wait']);
  await Promise.all(transparent.map(({ prove }) => prove()));
  for (const { client: each } of transparent) {
    const seconds = await deletionSeconds(cluster, each.name);
    assert.ok(seconds < SOON_SECONDS, `${each.name} was gone after ${seconds} s`);
  }
});
