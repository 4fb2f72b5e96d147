/**
 * What goes away takes nothing else with it, and comes back: the leader of three Consul servers, then its node, then a node
 * with two of them. In dataplane mode, where everything of a pod in Consul was written by Tandem.
 */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { controllerOf, type ControllerFacts } from '../../src/status-page/status.ts';
import { at } from '../real/harness/chart.ts';
import { eventually } from '../real/harness/eventually.ts';
import { appPod, createPod, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { testOn } from './harness/evidence.ts';
import { isReady, podsOf, type Pod } from './harness/list.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { makeNamespace } from './harness/namespaces.ts';
import { installRelease, secondsSince } from './harness/release.ts';
import { leaderStatus } from './harness/sync-status.ts';
import { admissionsDuring } from './load/admissions.ts';
import { catalogDuring, consulServers, instanceIds, instancesOf, type Instance } from './load/catalog.ts';
import { clusterFigures, lineOf, restartsOf, SHORT } from './load/figures.ts';
import { nodesByServers, serverPods } from './load/server-pods.ts';
import { voters } from './load/voters.ts';
import { allPass, namesOfWeb, plainlyReached, startWeb, webPods } from './load/web.ts';

const SHOP = 'tandem-shop';
const SERVERS = 3;
// Ten times what is promised: a server and a replica of the sync are lost, too. Without an event it takes 600 s (`--resync`).
const LATEST_SECONDS = 20;

const cluster = await openCluster();
const { api, nodes } = cluster;
const release = await installRelease(cluster, {
  server: { replicas: SERVERS, affinity: 'preferred' },
  client: { enabled: false },
});
after(() => release.uninstall([SHOP]));
const test = testOn(cluster, ['tandem', SHOP]);
const consul = consulServers(api, SERVERS);
await makeNamespace(cluster, SHOP);
await putApps(cluster, SHOP);
await startWeb(cluster, SHOP, consul, { 'transparent-proxy': 'true' });

/** The pod of the leader; rejects while there is none, or while it is a server that has gone. */
async function leader(): Promise<Pod> {
  const [address] = String(await consul('/v1/status/leader')).split(':');
  const found = (await serverPods(cluster)).find((pod) => pod.status.podIP === address && isReady(pod));
  if (found === undefined) throw new Error(`the leader is ${address || 'nobody'}`);
  return found;
}

test('figures of pods in dataplane mode', async (context) => {
  const figures = await clusterFigures(cluster, SHOP, 'dataplane', SHORT);
  for (const figure of figures) context.diagnostic(lineOf(figure));
  assert.equal(restartsOf(figures), 0);
});

test('the pod of the leader is deleted: another leads, and Consul keeps everything', async (context) => {
  const wanted = await instanceIds(consul, namesOfWeb(SHOP));
  const { reads, missing } = await catalogDuring(consul, wanted, async () => {
    const { metadata } = await leader();
    const from = performance.now();
    await api.expect('DELETE', `/api/v1/namespaces/tandem/pods/${metadata.name}`);
    await eventually('another leader', async () =>
      assert.notEqual((await leader()).metadata.uid, metadata.uid),
    );
    context.diagnostic(`the pod of the leader deleted: another leads after ${secondsSince(from)} s`);
    await allReady(cluster, 'tandem');
  });
  assert.deepEqual(missing, []);
  assert.ok(reads > 10, `${reads} reads`);
});

test('the node of the leader is lost: its pods leave Consul, nothing else does, and all comes back', async (context) => {
  if (nodes === undefined) return context.skip('the nodes of this cluster are not the suite’s to stop');
  const [lost] = await nodesByServers(cluster);
  await makeLeader((await serverPods(cluster)).find(({ spec }) => spec.nodeName === lost));
  await makeSyncLead(lost);
  const pods = await webPods(cluster, SHOP);
  const gone = pods.filter(({ spec }) => spec.nodeName === lost);
  assert.equal(gone.length, 1, 'a replica on each node');
  const addresses = new Set(gone.map(({ status }) => status.podIP ?? ''));
  const stays = ({ address }: { readonly address: string }): boolean => !addresses.has(address);
  const wanted = await instanceIds(consul, namesOfWeb(SHOP), stays);
  const { missing } = await catalogDuring(consul, wanted, async () => {
    try {
      const stopped = performance.now();
      await nodes.stop(lost);
      await notReady(lost);
      const told = performance.now();
      await noneOfThemPasses(stays);
      const late = secondsSince(told);
      context.diagnostic(
        `a node lost: not Ready after ${Math.round((told - stopped) / 1000)} s, its pods out of Consul ${late} s later`,
      );
      assert.ok(late < LATEST_SECONDS, `${late} s`);
      assert.notEqual((await leader()).spec.nodeName, lost);
    } finally {
      await nodes.start(lost);
    }
    const started = performance.now();
    await allReady(cluster, SHOP);
    await allPass(consul, SHOP, pods.length);
    context.diagnostic(`a node lost: its pods are back in Consul ${secondsSince(started)} s after its start`);
    assert.deepEqual(await plainlyReached(cluster, SHOP), [], 'a node that starts redirects its pods anew');
    await allReady(cluster, 'tandem');
    context.diagnostic(`a node lost: everything is back ${secondsSince(started)} s after its start`);
  });
  assert.deepEqual(missing, []);
});

test('two of three Consul servers are lost with their node: nothing leaves, pods are admitted, and all comes back', async (context) => {
  if (nodes === undefined) return context.skip('the nodes of this cluster are not the suite’s to stop');
  await allVote();
  const [, lost] = await nodesByServers(cluster);
  // Without a leader, a server answers out of what it has.
  const own = consulServers(api, SERVERS);
  const stale: typeof own = (path, method) => own(`${path}?stale`, method);
  const all = await instanceIds(stale, namesOfWeb(SHOP));
  const addresses = new Set(
    (await webPods(cluster, SHOP)).flatMap(({ spec, status }) =>
      spec.nodeName === lost ? [status.podIP] : [],
    ),
  );
  const staying = await instanceIds(stale, namesOfWeb(SHOP), ({ address }) => !addresses.has(address));
  const { missing } = await catalogDuring(stale, staying, async () => {
    try {
      await nodes.stop(lost);
      const outage = await catalogDuring(stale, all, async () => {
        await notReady(lost);
        await saysWhatIsWrong();
        const late = appPod(cluster, 'late', {
          app: 'web-server.ts',
          args: ['late', '8080'],
          port: 8080,
          annotations: {},
        });
        // The API server may still hold a connection to a webhook that is gone.
        await eventually('an admission', () => createPod(cluster, SHOP, late));
        const { refused } = await admissionsDuring(api, SHOP, saysWhatIsWrong);
        assert.deepEqual(refused, []);
      });
      assert.deepEqual(outage.missing, []);
      assert.ok(outage.reads > 10, `${outage.reads} reads`);
    } finally {
      await nodes.start(lost);
    }
    const started = performance.now();
    // With each server that has started there is a leader.
    await allReady(cluster, 'tandem');
    // A sidecar of the node that asked before ended, as consul-dataplane does, and is started again after a while.
    await eventually('the shop is Ready', () => allReady(cluster, SHOP));
    await podsReady(cluster, SHOP, ['late']);
    await allPass(consul, SHOP, 2);
    context.diagnostic(`two servers lost: everything is back ${secondsSince(started)} s after its start`);
  });
  assert.deepEqual(missing, []);
  await eventually('a sync without a failure', async () => {
    for (const { lastFailure, lastSuccess = '' } of await controllers())
      assert.ok((lastFailure?.at ?? '') < lastSuccess, lastFailure?.error);
  });
});

/** The sync and the registrar. Rejects while no replica leads. */
async function controllers(): Promise<readonly ControllerFacts[]> {
  const status = await leaderStatus(cluster);
  const found = (['to-consul', 'registrar'] as const).map((name) => controllerOf(status, name));
  return found.map((each) => each ?? assert.fail('a controller is off'));
}

async function saysWhatIsWrong(): Promise<void> {
  await eventually('the sync and the registrar say that Consul is away', async () => {
    for (const { lastFailure, lastSuccess = '' } of await controllers()) {
      assert.match(lastFailure?.error ?? '', /No cluster leader|no answer|Connect Timeout/i);
      assert.ok((lastFailure?.at ?? '') > lastSuccess);
    }
  });
}

/** Resolves when the replica of the sync on that node leads, so that another one has to take over, too. */
async function makeSyncLead(node: string): Promise<void> {
  const pods = await podsOf(api, 'tandem', 'app.kubernetes.io/component=sync');
  assert.ok(
    pods.some(({ spec }) => spec.nodeName === node),
    'a replica on each node',
  );
  await eventually(`a replica on ${node} leads`, async () => {
    const identity = await syncLeader();
    // Given away and not taken yet. Without a name all pods of the namespace would be deleted.
    assert.notEqual(identity, '', 'nobody leads');
    const holder = `/api/v1/namespaces/tandem/pods/${identity.split('_')[0]}`;
    if (at(await api.expect('GET', holder), 'spec', 'nodeName') === node) return;
    await api.expect('DELETE', holder);
    throw new Error(`${identity} leads`);
  });
  await allReady(cluster, 'tandem');
  await spreadSync(node);
}

/** To the scheduler a pod that is ending is there as well, so the one that takes its place may be on the node of the other. */
async function spreadSync(node: string): Promise<void> {
  await eventually(`a replica that is not on ${node}`, async () => {
    const pods = await podsOf(api, 'tandem', 'app.kubernetes.io/component=sync');
    const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (living.some((pod) => pod.spec.nodeName !== node && isReady(pod))) return;
    const identity = await syncLeader();
    const [waiting, second] = living.filter(({ metadata }) => !identity.startsWith(metadata.name));
    // The next is made when this one is gone.
    const isThere = waiting?.spec.nodeName === node && isReady(waiting);
    if (living.length === pods.length && isThere && second === undefined)
      await api.expect('DELETE', `/api/v1/namespaces/tandem/pods/${waiting.metadata.name}`);
    throw new Error(`all are on ${node}`);
  });
}

/** The name of its pod and more; empty between two. */
async function syncLeader(): Promise<string> {
  const lease = '/apis/coordination.k8s.io/v1/namespaces/tandem/leases/tandem-sync';
  return String(at(await api.expect('GET', lease), 'spec', 'holderIdentity'));
}

/** Resolves when the API server says that no pod there is ready. */
async function notReady(node: string): Promise<void> {
  await eventually(`the API server says that ${node} is lost`, async () => {
    const left = (await webPods(cluster, SHOP)).filter((pod) => pod.spec.nodeName === node && isReady(pod));
    assert.deepEqual(left, []);
  });
}

async function noneOfThemPasses(stays: (instance: Instance) => boolean): Promise<void> {
  await eventually('Consul without the pods of the node', async () => {
    for (const name of namesOfWeb(SHOP)) {
      const left = (await instancesOf(consul, name)).filter((each) => each.passing && !stays(each));
      assert.deepEqual(left, []);
    }
  });
}

/** Resolves when the servers could do without one of them. */
async function allVote(): Promise<void> {
  await eventually('a vote of each server', async () => assert.equal((await voters(consul)).length, SERVERS));
}

async function makeLeader(pod: Pod | undefined): Promise<void> {
  await allVote();
  const name = pod?.metadata.name ?? '';
  await eventually(`${name} leads`, async () => {
    const servers = at(await consul('/v1/operator/raft/configuration'), 'Servers') as readonly object[];
    if ((await leader()).metadata.name === name) return;
    const id = at(
      servers.find((each) => at(each, 'Node') === name),
      'ID',
    );
    await consul(`/v1/operator/raft/transfer-leader?id=${String(id)}`, 'POST');
    throw new Error('not yet');
  });
}
