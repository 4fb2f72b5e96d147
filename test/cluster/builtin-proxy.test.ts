/** Agents on the nodes, and Consul's own proxy in the place of Envoy. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { intend, withdrawIntention } from './harness/consul.ts';
import { applyExamples, countOf, DEMO, podOf, restarts, UPSTREAMS } from './harness/demos.ts';
import { testOn } from './harness/evidence.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { createRelay } from './harness/relay.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { installRelease, secondsSince } from './harness/release.ts';

const cluster = await openCluster();
const release = await installRelease(cluster, {
  server: { replicas: 1 },
  connectInject: { sidecarProxy: { kind: 'builtin' } },
});
after(() => release.uninstall([DEMO]));
await makeNamespace(cluster, DEMO, RESTRICTED);
await putApps(cluster, DEMO);
const test = testOn(cluster, ['tandem', DEMO]);

test('all is Ready, and the counting service with its dashboard', async (context) => {
  context.diagnostic(`built-in proxy: all Ready ${release.seconds} s after helm install`);
  const from = performance.now();
  await applyExamples(cluster, ['counting.yaml', 'dashboard.yaml']);
  const client = await createRelay(cluster, DEMO, 'client', {
    'connect-service-upstreams': `counting:${UPSTREAMS.counting}`,
  });
  await Promise.all([allReady(cluster, DEMO), podsReady(cluster, DEMO, ['dashboard', 'client'])]);
  context.diagnostic(`built-in proxy: counting and its dashboard Ready after ${secondsSince(from)} s`);
  const { spec } = await podOf(cluster, 'counting');
  assert.match(JSON.stringify(spec), /"connect","proxy"/);
  await eventually('a count', () => countOf(client.get));
  const shown = await client.get(`http://${(await podOf(cluster, 'dashboard')).status.podIP}:9002/`);
  assert.notEqual(shown, '');

  await intend(cluster, DEMO, 'counting', 'deny');
  await eventually('a refusal of counting', () => assert.rejects(countOf(client.get)));
  await withdrawIntention(cluster, DEMO, 'counting');
  await eventually('a count again', () => countOf(client.get));
});

test('nothing was started a second time', async () => {
  assert.deepEqual(await restarts(cluster, ['tandem', DEMO]), []);
});
