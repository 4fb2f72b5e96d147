/**
 * Transparent pods of every kind in a namespace of the *restricted* profile, which its label makes transparent; what comes before
 * their redirection, and what becomes of them when the redirectors go, come late or are updated, and with an uninstallation.
 * In agent mode, and by the redirectors of the nodes.
 */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { at } from '../real/harness/chart.ts';
import { MERGE_PATCH } from '../real/harness/api-client.ts';
import { eventually } from '../real/harness/eventually.ts';
import { appPod, createDeployment, createPod, putApps } from './harness/app-pod.ts';
import { openCluster } from './harness/cluster.ts';
import { intend, withdrawIntention } from './harness/consul.ts';
import { restarts, SOON_SECONDS } from './harness/demos.ts';
import { testOn } from './harness/evidence.ts';
import { containersOf, eventsOf, isReady, podsOf, type Pod } from './harness/list.ts';
import { startLoad } from './harness/load.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { createProbedPod, proveProbes } from './harness/probed-pod.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { installRelease, RELEASE, secondsSince } from './harness/release.ts';
import { createRelay } from './harness/relay.ts';

const SHOP = 'tandem-shop';
const PODS = `/api/v1/namespaces/${SHOP}/pods`;
const REDIRECTORS = `/apis/apps/v1/namespaces/${RELEASE}/daemonsets/tandem-redirector`;
/** The test asks it at its own port. */
const ASKED = { 'transparent-proxy': 'true', 'transparent-proxy-exclude-inbound-ports': '8080' };
const WEB = `http://web.${SHOP}/`;
/** A server that is not in the mesh, as Vault may be. */
const OUTSIDE = `http://outside.${SHOP}/`;

const cluster = await openCluster();
const { api, kubectl } = cluster;
const release = await installRelease(cluster, { server: { replicas: 1 } });
after(() => release.uninstall([SHOP]));
const test = testOn(cluster, [RELEASE, SHOP]);
await makeNamespace(cluster, SHOP, { ...RESTRICTED, 'consul.hashicorp.com/transparent-proxy': 'true' });
await putApps(cluster, SHOP);

const webAddress = await createService('web', 8081);
await createService('outside', 8080);
await createService('members', 8081, { selector: { app: 'web' }, clusterIP: 'None' });
const app = { app: 'web-server.ts', args: ['app', '8080'], port: 8080, annotations: {} } as const;
const [client, outside, classic] = await Promise.all([
  createRelay(cluster, SHOP, 'client', ASKED),
  createRelay(cluster, SHOP, 'outside'),
  createRelay(cluster, SHOP, 'classic', { ...ASKED, 'enable-consul-dataplane-as-sidecar': 'false' }),
  createWeb(),
  createVault(),
  createProbedPod(cluster, SHOP),
]);

/** Gives its cluster address. */
async function createService(name: string, targetPort: number, more: object = {}): Promise<string> {
  const service = await api.expect('POST', `/api/v1/namespaces/${SHOP}/services`, {
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort }], ...more },
  });
  return String(at(service, 'spec', 'clusterIP'));
}

/** A StatefulSet: at 8081 in the mesh, and at 8080 for its members, outside of it. */
async function createWeb(): Promise<void> {
  const labels = { app: 'web' };
  const annotations = {
    ...ASKED,
    'transparent-proxy-exclude-outbound-ports': '8080',
    'connect-service-port': '8081',
  };
  const member = appPod(cluster, 'web', { app: 'relay.ts', labels, annotations, port: 8080 });
  const server = appPod(cluster, 'server', { app: 'web-server.ts', args: ['web', '8081'] });
  await api.expect('POST', `/apis/apps/v1/namespaces/${SHOP}/statefulsets`, {
    metadata: { name: 'web' },
    spec: {
      serviceName: 'members',
      replicas: 2,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: {
        metadata: { ...member.metadata, name: undefined },
        spec: { ...member.spec, containers: [...member.spec.containers, ...server.spec.containers] },
      },
    },
  });
}

/** As the webhook of Vault leaves a pod that comes to it after ours: with an init container before all others. */
async function createVault(): Promise<void> {
  const visitor = (name: string, ...urls: readonly string[]): object =>
    appPod(cluster, name, { app: 'visit.ts', args: urls }).spec.containers[0];
  const pod = appPod(cluster, 'vault', app);
  const spec = { ...pod.spec, initContainers: [visitor('behind', OUTSIDE, WEB)] };
  const injected = await api.expect('POST', `${PODS}?dryRun=All`, { ...pod, spec });
  const inits = at(injected, 'spec', 'initContainers') as readonly object[];
  const { labels, annotations } = at(injected, 'metadata') as Readonly<Record<string, object>>;
  await createPod(cluster, SHOP, {
    metadata: { name: 'vault', labels, annotations },
    spec: {
      ...(at(injected, 'spec') as object),
      initContainers: [visitor('before', OUTSIDE), ...inits],
    },
  });
}

/** Status of an answer to the API server, which is not in the mesh. */
async function plainAnswer(pod: string): Promise<number> {
  return (await api.request('GET', `${PODS}/${pod}:8080/proxy/`)).status;
}

test('a client that knows only the Service reaches it through the mesh; plain clients are refused', async (context) => {
  const from = performance.now();
  await allReady(cluster, SHOP);
  await podsReady(cluster, SHOP, [client.name, outside.name, classic.name, 'vault']);
  context.diagnostic(`transparent: all Ready after ${secondsSince(from)} s`);
  assert.equal(await eventually('an answer of web', () => client.get(WEB)), 'web');
  const [pod] = await podsOf(api, SHOP, 'app=web');
  const itself = `http://${pod?.status.podIP}:8081/`;
  for (const url of [WEB, itself]) await assert.rejects(outside.get(url));
  // Consul matches the address of the Service, and not that of a pod.
  await assert.rejects(client.get(itself));
  assert.equal(await client.get(OUTSIDE), 'ready\n');
});

test('an intention denies it to a client that knows only the Service', async () => {
  await intend(cluster, SHOP, 'web', 'deny');
  await eventually('a refusal of web', () => assert.rejects(client.get(WEB)));
  await withdrawIntention(cluster, SHOP, 'web');
  await eventually('an answer of web', () => client.get(WEB));
});

test('an init container of another webhook before ours has its network, and one behind it the mesh', async () => {
  const vault = (await podsOf(api, SHOP)).find(({ metadata }) => metadata.name === 'vault');
  const order = vault?.status.initContainerStatuses?.map(({ name }) => name) ?? [];
  assert.deepEqual(order.slice(0, 2), ['before', 'consul-connect-redirect']);
  assert.equal(order.at(-1), 'behind');
  assert.notEqual(await plainAnswer('vault'), 200);
});

test('a classic sidecar comes behind the redirection, and the application reaches the mesh by it', async () => {
  const pod = (await podsOf(api, SHOP)).find(({ metadata }) => metadata.name === 'classic');
  const { initContainerStatuses: inits = [], containerStatuses: containers = [] } = pod?.status ?? {};
  assert.deepEqual(
    inits.map(({ name }) => name),
    ['consul-connect-inject-init', 'consul-connect-redirect'],
  );
  assert.ok(containers.some(({ name }) => name === 'consul-connect-envoy-sidecar'));
  assert.equal(await eventually('an answer of web', () => classic.get(WEB)), 'web');
  await assert.rejects(outside.get(`http://${pod?.status.podIP}:8081/`));
});

test('tandem check in a pod of the sync: what it sees of redirection, and how to see the rest', async () => {
  const command =
    'node /app/tandem.js check --account=sync --registrar --consul-http-addr=tandem-server:8500';
  const printed = await kubectl([
    'exec',
    'deployment/tandem-sync',
    '-n',
    RELEASE,
    '--',
    ...command.split(' '),
  ]);
  assert.match(printed, /^ok +rights /m);
  assert.match(printed, /^ok +redirectors +each of 2 nodes has one that is ready$/m);
  assert.match(
    printed,
    /^warning +namespace-labels +cannot tell .*403.*; to fix it: run tandem check with an account/m,
  );
  // The DNS of a cluster without a network answers SERVFAIL to what is not its own.
  assert.match(printed, /^(ok|warning) +consul-dns .*the DNS of the cluster .*"consul"/m);
  assert.match(printed, /^ok +addresses /m);
  assert.doesNotMatch(printed, /^failure /m);
});

test('members of a StatefulSet reach each other at an excluded port only, and an Event says so', async () => {
  const asked = async (url: string): Promise<string> => {
    const path = `${PODS}/web-0:8080/proxy/?${new URLSearchParams({ get: url }).toString()}`;
    return JSON.stringify(await api.expect('GET', path));
  };
  const other = `http://web-1.members.${SHOP}`;
  await eventually('an answer at the excluded port', async () =>
    assert.match(await asked(`${other}:8080/`), /"ready/),
  );
  assert.match(await asked(`${other}:8081/`), /ECONNRESET|socket hang up/);
  await eventuallyEvent('web-', 'HeadlessService', new RegExp(`headless: ${SHOP}/members\\.`));
});

/** @param pod the beginning of its name */
async function eventuallyEvent(pod: string, reason: string, text: RegExp): Promise<void> {
  await eventually(`Event ${reason} of ${pod}`, async () => {
    const events = await eventsOf(api, SHOP);
    const found = events.filter(
      ({ involvedObject, reason: its }) => its === reason && involvedObject.name?.startsWith(pod) === true,
    );
    assert.match(found.map(({ message }) => message).join('\n'), text);
  });
}

test('redirectors that are killed and updated lose no request, and no pod is outside of the mesh', async (context) => {
  const load = await startLoad(cluster, SHOP, {
    service: 'web',
    at: `${webAddress}:80`,
    rate: 10,
    connections: 'new',
  });
  const over = new AbortController();
  const plain = plainAnswers('born', over.signal);
  const from = performance.now();
  const happen = async (): Promise<void> => {
    const killed = await redirectors();
    await Promise.all([
      ...killed.map(({ metadata }) =>
        api.expect('DELETE', `/api/v1/namespaces/${RELEASE}/pods/${metadata.name}?gracePeriodSeconds=0`),
      ),
      createDeployment(cluster, SHOP, 'born', app),
    ]);
    await Promise.all([allReady(cluster, SHOP), allReady(cluster, RELEASE)]);
    await kubectl(['rollout', 'restart', 'daemonset/tandem-redirector', '-n', RELEASE]);
    await kubectl(['rollout', 'restart', 'deployment/born', '-n', SHOP]);
    await Promise.all([allReady(cluster, SHOP), allReady(cluster, RELEASE)]);
  };
  await happen().finally(() => over.abort());
  context.diagnostic(`redirectors killed and updated in ${secondsSince(from)} s`);
  const { answers, failures } = await load.end();
  assert.deepEqual([failures, await plain], [[], []]);
  assert.ok((answers['web'] ?? 0) > 50, JSON.stringify(answers));
});

/** Names of the pods of an app that have answered to whom is not in the mesh. */
async function plainAnswers(name: string, over: AbortSignal): Promise<readonly string[]> {
  const answered: string[] = [];
  while (!over.aborted) {
    for (const { metadata } of await podsOf(api, SHOP, `app=${name}`))
      if ((await plainAnswer(metadata.name)) === 200) answered.push(metadata.name);
    await delay(100);
  }
  return answered;
}

function redirectors(): Promise<readonly Pod[]> {
  return podsOf(api, RELEASE, 'app.kubernetes.io/component=redirector');
}

/** @param place the label of a node that none has; null for all nodes */
async function placeRedirectors(place: string | null): Promise<void> {
  const spec = { nodeSelector: { 'tandem/suite': place } };
  await api.expect('PATCH', REDIRECTORS, { spec: { template: { spec } } }, MERGE_PATCH);
}

test('without redirectors what runs goes on: probes of every kind, and calls', async () => {
  await placeRedirectors('nowhere');
  await eventually('no redirector', async () => assert.deepEqual(await redirectors(), []));
  await createDeployment(cluster, SHOP, 'late', app);
  const job = appPod(cluster, 'job', { app: 'visit.ts', args: [WEB], annotations: {} });
  await api.expect('POST', `/apis/batch/v1/namespaces/${SHOP}/jobs`, {
    metadata: { name: 'job' },
    spec: { backoffLimit: 0, template: { ...job, spec: { ...job.spec, restartPolicy: 'Never' } } },
  });
  await proveProbes(cluster, SHOP);
  assert.equal(await client.get(WEB), 'web');
});

test('a Deployment and a Job that came meanwhile wait, say so, and go on by themselves', async (context) => {
  for (const name of ['late', 'job']) await eventuallyEvent(name, 'NotRedirected', /it waits/);
  const waiting = (await podsOf(api, SHOP)).filter(({ metadata }) => /^(late|job)-/.test(metadata.name));
  assert.equal(waiting.length, 2);
  for (const pod of waiting)
    assert.deepEqual(
      containersOf(pod).flatMap(({ name, state }) => (state?.running === undefined ? [] : name)),
      ['consul-connect-redirect'],
    );
  const from = performance.now();
  await placeRedirectors(null);
  await allReady(cluster, RELEASE);
  await allReady(cluster, SHOP);
  await eventually('the end of the Job', async () => {
    const { status } = await api.expect('GET', `/apis/batch/v1/namespaces/${SHOP}/jobs/job`);
    const { succeeded, failed } = status as Readonly<Record<string, number | undefined>>;
    assert.deepEqual([succeeded, failed], [1, undefined]);
  });
  context.diagnostic(`redirectors back: the Job has ended, and all is Ready, ${secondsSince(from)} s later`);
  assert.equal(await kubectl(['logs', 'job/job', '-c', 'job', '-n', SHOP]), `${WEB}: web\n`);
});

test('nothing was started a second time', async () => {
  const again = await restarts(cluster, [RELEASE, SHOP]);
  // Its liveness probes have failed, as they were told.
  assert.deepEqual(
    again.filter((each) => !each.startsWith('probed ')),
    [],
  );
});

test('uninstalled, running pods stay in the mesh, new ones come without a sidecar, and all of them can go', async () => {
  await cluster.helm(['uninstall', RELEASE, `--namespace=${RELEASE}`, '--wait']);
  assert.equal(await client.get(WEB), 'web');
  await assert.rejects(outside.get(WEB));
  await createPod(cluster, SHOP, appPod(cluster, 'afterwards', app));
  const [afterwards] = await podsReady(cluster, SHOP, ['afterwards']);
  assert.equal(afterwards && containersOf(afterwards).length, 1);
  const from = performance.now();
  await kubectl(['delete', 'pod', 'vault', '-n', SHOP]);
  assert.ok(secondsSince(from) < SOON_SECONDS, `${secondsSince(from)} s`);
  assert.ok((await podsOf(api, SHOP, 'app=web')).every(isReady));
});
