/**
 * A secure Consul by one value: nothing is open, and pods log in, reach what intentions allow, and nothing else. Then the way back to
 * an open one, and from there to a secure one again, under load.
 */
import assert from 'node:assert/strict';
import { after, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../real/harness/eventually.ts';
import { appPod, createDeployment, createPod, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { intend } from './harness/consul.ts';
import { testOn } from './harness/evidence.ts';
import { startLoad, type Load, type LoadOutcome } from './harness/load.ts';
import { podsOf } from './harness/list.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { createRelay } from './harness/relay.ts';
import { CHART, installRelease, RELEASE, secondsSince, withValues, type Values } from './harness/release.ts';
import { writesDuring } from './load/consul-writes.ts';

const APPS = 'secured';
const TO_WEB = 1234;
const WEB = `http://127.0.0.1:${TO_WEB}/`;
const cluster = await openCluster();
const { api, kubectl } = cluster;
const SERVERS = 3;
const REPLICAS = 2;
const STAGES = ['off', 'accept', 'prefer', 'require'] as const;
type Stage = (typeof STAGES)[number];
// Each takes a minute and a half, which the suite has not: only when the variable names a mode.
const EVERY_STAGE = process.env['TANDEM_EVERY_STAGE'] ?? '';
const WAY: readonly Stage[] = ['prefer', 'accept', 'off', 'accept', 'prefer', 'require'];
const WAY_MILLISECONDS = 1_200_000;
const valuesOf = (secure: Stage): Values => ({
  // What a person types for the last one.
  global: { secure: { off: false, accept: 'accept', prefer: 'prefer', require: true }[secure] },
  server: { replicas: SERVERS, affinity: 'preferred' },
  client: { enabled: EVERY_STAGE !== 'dataplane' },
});
await makeNamespace(cluster, APPS, RESTRICTED);
await putApps(cluster, APPS);
for (const name of ['web', 'client', 'load'])
  await api.expect('POST', `/api/v1/namespaces/${APPS}/serviceaccounts`, { metadata: { name } });
const release = await installRelease(cluster, valuesOf('require'));
after(() => release.uninstall([APPS]));
const test = testOn(cluster, [RELEASE, APPS]);

/** The answer of Consul with its status, on the loopback of a server, where plain HTTP still listens. */
function consul(path: string): Promise<string> {
  const curl = ['curl', '-s', '-w', ' %{http_code}', `http://127.0.0.1:8500${path}`];
  return kubectl([
    'exec',
    `--namespace=${RELEASE}`,
    `${RELEASE}-server-0`,
    '--container=consul',
    '--',
    ...curl,
  ]);
}

async function bootstrapToken(): Promise<string> {
  const path = `/api/v1/namespaces/${RELEASE}/secrets/${RELEASE}-bootstrap-acl-token`;
  const { data } = (await api.expect('GET', path)) as unknown as {
    readonly data: { readonly token: string };
  };
  return Buffer.from(data.token, 'base64').toString();
}

test('all is Ready, helm test passes, and whoever has no token reads nothing', async (context) => {
  context.diagnostic(`secure: all Ready ${release.seconds} s after helm install`);
  assert.equal(await consul('/v1/catalog/services'), '{} 200');
  assert.match(await consul('/v1/acl/tokens'), / 403$/);
  context.diagnostic(`secure: helm test took ${await release.test()} s`);
});

test('pods log in as their ServiceAccounts, and reach each other as intentions allow it', async (context) => {
  const from = performance.now();
  await createDeployment(cluster, APPS, 'web', {
    app: 'web-server.ts',
    args: ['web', '8080'],
    port: 8080,
    serviceAccountName: 'web',
    replicas: REPLICAS,
    annotations: {},
  });
  const upstreams = { 'connect-service-upstreams': `web:${TO_WEB}` };
  const client = await createRelay(cluster, APPS, 'client', upstreams, 'client');
  await podsReady(cluster, APPS, ['client']);
  await allReady(cluster, APPS);
  await assert.rejects(client.get(WEB));
  await intend(cluster, APPS, 'web', 'allow', ['client', 'load']);
  await eventually('an answer of web', async () => assert.match(await client.get(WEB), /web/));
  const seconds = Math.round((release.seconds + secondsSince(from)) * 10) / 10;
  context.diagnostic(
    `secure: traffic in the mesh ${seconds} s after helm install, without the tests between`,
  );
});

test('a pod of the account default is not let in', async () => {
  await createPod(cluster, APPS, appPod(cluster, 'nobody', { app: 'relay.ts', port: 8080, annotations: {} }));
  const { container, why } =
    EVERY_STAGE === 'dataplane'
      ? { container: 'consul-dataplane', why: /ACL auth method login failed: Error: 403/ }
      : {
          container: 'consul-connect-inject-init',
          why: /could not log in to Consul at https:.* by auth method tandem-tandem-k8s-auth-method/,
        };
  await eventually('its container says why', async () => {
    const log = await kubectl(['logs', `--namespace=${APPS}`, 'nobody', `--container=${container}`]);
    assert.match(log, why);
  });
});

/** The sentence of the plan that this matches, which it comes to say. */
async function planSays(pattern: RegExp): Promise<void> {
  const plan = ['exec', `--namespace=${RELEASE}`, 'deployment/tandem-secure', '--', 'node', '/app/tandem.js'];
  await eventually(`the plan says ${pattern.source}`, async () => {
    // Each is a process of its own.
    await delay(1000);
    // Its exit code says that something is due.
    assert.match(await kubectl([...plan, 'secure', '--plan']).catch(String), pattern);
  });
}

async function moveTo(stage: Stage): Promise<void> {
  await withValues(cluster, valuesOf(stage), ['upgrade', RELEASE, CHART]);
  await allReady(cluster, RELEASE);
  if (stage !== 'off') await planSays(/^next: keep/m);
}

/** A client that is injected as the stage has it, and then the servers anew. */
async function restarted(name: string): Promise<Load> {
  const load = { name, serviceAccountName: 'load', service: 'web', rate: 10, connections: 'new' } as const;
  const started = await startLoad(cluster, APPS, { ...load, life: 900 });
  await kubectl(['rollout', 'restart', 'deployment/web', '-n', APPS]);
  await allReady(cluster, APPS);
  // While the agent of a node is away, its sidecars do not learn of a pod that ends.
  await eventually('the end of the old pods', async () =>
    assert.equal((await podsOf(api, APPS, 'app=web')).length, REPLICAS),
  );
  return started;
}

/** Moves on before the last stage of each way, which cuts off pods that were injected for the other. */
async function moveUnderLoad(times: string[]): Promise<readonly LoadOutcome[]> {
  const outcomes: LoadOutcome[] = [];
  let load = await restarted('load-0');
  let before: Stage = 'require';
  for (const stage of WAY) {
    if (stage === 'off' || stage === 'require') {
      const next = await restarted(`load-${outcomes.length + 1}`);
      outcomes.push(await load.end());
      load = next;
    }
    if (before === 'off')
      await assert.rejects(
        moveTo('require'),
        /global\.secure: the agents run off for \w+, and require skips/,
      );
    else if (STAGES.indexOf(stage) > STAGES.indexOf(before))
      await planSays(new RegExp(`^may go to ${stage}$`, 'm'));
    const from = performance.now();
    await moveTo(stage);
    const moved = secondsSince(from);
    // Else a pod that ends next is lost to this client, not to the move.
    await load.connected();
    times.push(`${stage} ${moved} s, Envoy after ${secondsSince(from)} s, until ${new Date().toISOString()}`);
    before = stage;
  }
  return [...outcomes, await load.end()];
}

if (EVERY_STAGE !== '')
  test(
    'from stage to stage and back, with a load of writes and of requests in the mesh',
    goWay,
    WAY_MILLISECONDS,
  );

async function goWay(context: TestContext): Promise<void> {
  await kubectl(['delete', 'pod', 'client', 'nobody', '-n', APPS, '--now']);
  const times: string[] = [];
  let loads: readonly LoadOutcome[] = [];
  const writes = await writesDuring(api, SERVERS, await bootstrapToken(), async () => {
    loads = await moveUnderLoad(times);
  });
  const answered = loads
    .flatMap(({ answers }) => Object.values(answers))
    .reduce((sum, each) => sum + each, 0);
  const lost = loads.flatMap(({ failures }) => failures);
  context.diagnostic(
    `secure: ${times.join(', ')}; ${lost.length} of ${lost.length + answered} requests lost, ` +
      `${writes.failed.length} of ${writes.failed.length + writes.written} writes failed, the longest took ${writes.longest} s`,
  );
  assert.deepEqual([lost, writes.failed], [[], []]);
  assert.ok(answered > 300 && writes.written > 50, 'there was a load');
  assert.match(await consul('/v1/acl/tokens'), / 403$/);
}
