/**
 * A release that lives on: an upgrade of all of its parts at once and the way back, and a drain, all under load, an
 * uninstallation, and another installation over what the first has left. In agent mode, as it comes.
 */
import assert from 'node:assert/strict';
import { after, type TestContext } from 'node:test';
import { eventually } from '../real/harness/eventually.ts';
import { appPod, createPod, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { testOn } from './harness/evidence.ts';
import { inventory } from './harness/inventory.ts';
import { podsOf } from './harness/list.ts';
import { startLoad } from './harness/load.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { makeNamespace, removeNamespace } from './harness/namespaces.ts';
import {
  CHART,
  clear,
  installRelease,
  RELEASE,
  released,
  secondsSince,
  withValues,
} from './harness/release.ts';
import { admissionsDuring, type AdmissionOutcome } from './load/admissions.ts';
import { catalogDuring, consulServers, instanceIds } from './load/catalog.ts';
import { clusterFigures, lineOf, restartsOf, SHORT } from './load/figures.ts';
import { nodesByServers } from './load/server-pods.ts';
import { fewestVotersDuring } from './load/voters.ts';
import { namesOfWeb, startWeb, webPods } from './load/web.ts';

const SHOP = 'tandem-shop';
const SERVERS = 3;
const values = { server: { replicas: SERVERS, affinity: 'preferred' } };
const changed = { annotations: { upgraded: 'true' } };
const upgraded = {
  server: { ...values.server, ...changed },
  client: changed,
  connectInject: changed,
  syncCatalog: changed,
};

const cluster = await openCluster();
const { api, helm, kubectl } = cluster;
await Promise.all([clear(cluster), removeNamespace(cluster, SHOP)]);
const before = new Set(await inventory(api));
const release = await installRelease(cluster, values);
after(() => release.uninstall([SHOP]));
const test = testOn(cluster, ['tandem', SHOP]);
const consul = consulServers(api, SERVERS);
await makeNamespace(cluster, SHOP);
await putApps(cluster, SHOP);
await startWeb(cluster, SHOP, consul);

/** All loads, while something happens. @param drained a node whose pods may leave Consul */
async function underLoad(
  context: TestContext,
  what: string,
  happen: () => Promise<unknown>,
  drained?: string,
): Promise<void> {
  const stays = (await webPods(cluster, SHOP)).filter(({ spec }) => spec.nodeName !== drained);
  const addresses = new Set(stays.map(({ status }) => status.podIP));
  const node = stays[0]?.spec.nodeName ?? '';
  const wanted = await instanceIds(consul, namesOfWeb(SHOP), ({ address }) => addresses.has(address));
  const load = await startLoad(cluster, SHOP, { service: 'web', rate: 20, connections: 'new', node });
  let seconds = Number.NaN;
  let admissions: AdmissionOutcome | undefined;
  const from = performance.now();
  let fewest = Number.NaN;
  const watched = catalogDuring(consul, wanted, async () => {
    admissions = await admissionsDuring(api, SHOP, async () => {
      fewest = await fewestVotersDuring(consul, happen);
      seconds = secondsSince(from);
    });
  });
  // Whatever comes of it: the next test has a load of its own.
  const { answers, failures } = await watched.then(load.end, async (error: unknown) => {
    await load.end();
    throw error;
  });
  const { reads, missing } = await watched;
  const { admitted = 0, refused = [] } = admissions ?? {};
  const answered = Object.values(answers).reduce((sum, each) => sum + each, 0);
  context.diagnostic(
    `${what} in ${seconds} s: ${failures.length} of ${failures.length + answered} requests lost, ` +
      `${refused.length} of ${refused.length + admitted} admissions refused, ${missing.length} removals in ${reads} reads, ` +
      `never less than ${fewest} voters`,
  );
  assert.deepEqual([failures, refused, missing], [[], [], []]);
  assert.ok(fewest >= SERVERS - 1, 'one server at a time, and the next one when the last one votes');
  assert.ok(answered > 100 && admitted > 50 && reads > 20, 'there was a load');
}

/** Resolves when every pod of the release is of another version. */
async function exchanged(exchange: () => Promise<unknown>): Promise<void> {
  const old = (await podsOf(api, RELEASE)).map(({ metadata }) => metadata.uid);
  await exchange();
  await allReady(cluster, RELEASE);
  await eventually('the end of the old pods', async () => {
    const left = (await podsOf(api, RELEASE)).filter(({ metadata }) => old.includes(metadata.uid));
    assert.deepEqual(
      left.map(({ metadata }) => metadata.name),
      [],
    );
  });
}

test('an upgrade of webhook, sync, agents and servers under load', (context) =>
  underLoad(context, 'upgrade', () =>
    exchanged(() => withValues(cluster, upgraded, ['upgrade', RELEASE, CHART])),
  ));

test('a rollback under load', (context) =>
  underLoad(context, 'rollback', () =>
    exchanged(() => helm(['rollback', RELEASE, `--namespace=${RELEASE}`])),
  ));

test('a drain of a node under load', async (context) => {
  if (cluster.nodes === undefined) return context.skip('it would move what else runs on the node');
  const [drained] = await nodesByServers(cluster);
  const drain = async (): Promise<void> => {
    await kubectl(['drain', drained, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s']);
    await allReady(cluster, SHOP);
  };
  await underLoad(context, 'drain', drain, drained);
  await kubectl(['uncordon', drained]);
});

test('a volume that the user of the sidecar cannot write fails its pod, by its name', async () => {
  const volume = { name: 'logs', hostPath: { path: '/var/lib/consul-logs', type: 'DirectoryOrCreate' } };
  const annotations = {
    'consul-sidecar-user-volume': JSON.stringify([volume]),
    'consul-sidecar-user-volume-mount': JSON.stringify([{ name: 'logs', mountPath: '/logs' }]),
    'envoy-extra-args': '--log-path /logs/envoy.log',
  };
  const app = { app: 'web-server.ts', args: ['x', '8080'], port: 8080, annotations } as const;
  await createPod(cluster, SHOP, appPod(cluster, 'unwritable', app));
  await assert.rejects(podsReady(cluster, SHOP, ['unwritable']), /CrashLoopBackOff[^]*\/logs\/envoy\.log/);
  await kubectl(['delete', 'pod', 'unwritable', '-n', SHOP, '--now']);
});

test('figures of pods in agent mode', async (context) => {
  const figures = await clusterFigures(cluster, SHOP, 'agent', SHORT);
  for (const figure of figures) context.diagnostic(lineOf(figure));
  assert.equal(restartsOf(figures), 0);
});

test('an uninstallation leaves what the documentation says, and nothing else', async () => {
  await removeNamespace(cluster, SHOP);
  await helm(['uninstall', RELEASE, `--namespace=${RELEASE}`]);
  await eventually('nothing else is left', async () => {
    const left = (await inventory(api)).filter((object) => !before.has(object) && !isOfCluster(object));
    assert.deepEqual(left, LEFT.toSorted());
  });
});

/**
 * What the cluster makes by itself: the volumes of the servers, which stay with their claims, and pods of its own, which a drain
 * has moved.
 */
function isOfCluster(object: string): boolean {
  return ['v1/persistentvolumes ', 'v1/pods kube-system/'].some((start) => object.startsWith(start));
}

const LEFT = [
  'v1/namespaces /tandem',
  // In every namespace, by Kubernetes.
  'v1/configmaps tandem/kube-root-ca.crt',
  'v1/serviceaccounts tandem/default',
  ...[0, 1, 2].map((server) => `v1/persistentvolumeclaims tandem/data-tandem-server-${server}`),
  'v1/secrets tandem/tandem-webhook-tls',
  'coordination.k8s.io/v1/leases tandem/tandem-webhook-tls',
  'coordination.k8s.io/v1/leases tandem/tandem-sync',
];

test('another installation takes what is left, and works', async (context) => {
  const again = await released(cluster, () => withValues(cluster, values, ['install', RELEASE, CHART]));
  context.diagnostic(`installed again: all Ready after ${again.seconds} s`);
  context.diagnostic(`installed again: helm test took ${await again.test()} s`);
});
