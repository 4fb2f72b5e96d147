/**
 * A release that lives on: an upgrade of all of its parts at once, one that fails and the way back, and a drain, all under load,
 * an uninstallation, and another installation over what the first has left. In agent mode, as it comes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { ENTRY_GROUP, ENTRY_KINDS, ENTRY_VERSION } from '../../src/catalog/config-entries/entry-kinds.ts';
import { at } from '../real/harness/chart.ts';
import { eventually } from '../real/harness/eventually.ts';
import { appPod, createPod, putApps } from './harness/app-pod.ts';
import { openCluster, ROOT } from './harness/cluster.ts';
import { testOn } from './harness/evidence.ts';
import { inventory } from './harness/inventory.ts';
import { containersOf, podsOf, type Pod } from './harness/list.ts';
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
// Where the Services are that are made of Consul's.
const FROM_CONSUL = 'tandem-from-consul';
const OWNER = 'suite';
const SERVERS = 3;
const values = {
  global: { owner: OWNER },
  server: { replicas: SERVERS, affinity: 'preferred' },
  syncCatalog: { toK8S: true, k8sWriteNamespace: FROM_CONSUL },
};
const changed = { annotations: { upgraded: 'true' } };
const upgraded = {
  ...values,
  server: { ...values.server, ...changed },
  client: changed,
  connectInject: {
    ...changed,
    transparentProxy: { redirector: { priorityClassName: 'system-cluster-critical' } },
  },
  syncCatalog: { ...values.syncCatalog, ...changed },
};

const cluster = await openCluster();
const { api, helm, kubectl } = cluster;
await Promise.all([clear(cluster), removeNamespace(cluster, SHOP)]);
await makeNamespace(cluster, FROM_CONSUL);
const before = new Set(await inventory(api));
const release = await installRelease(cluster, values);
after(() => release.uninstall([SHOP, FROM_CONSUL]));
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
  assert.ok(answered > 50 && admitted > 10 && reads > 10, 'there was a load');
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

test('an upgrade to an image that is not there, and the way back by a rollback, under load', (context) =>
  underLoad(context, 'upgrade without an image and rollback', async () => {
    const global = { ...upgraded.global, imageTandem: 'tandem.invalid/tandem:none' };
    await withValues(cluster, { ...upgraded, global }, ['upgrade', RELEASE, CHART]);
    await eventually('each part that would change waits for its image', async () => {
      const waiting = (await podsOf(api, RELEASE)).filter(isWithoutImage);
      const parts = waiting.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] ?? '');
      assert.deepEqual([...new Set(parts)].toSorted(), ['redirector', 'sync', 'webhook']);
    });
    await helm(['rollback', RELEASE, `--namespace=${RELEASE}`]);
    await allReady(cluster, RELEASE);
  }));

function isWithoutImage(pod: Pod): boolean {
  return containersOf(pod).some(({ state }) =>
    /^(?:ErrImagePull|ImagePullBackOff)$/.test(state?.waiting?.reason ?? ''),
  );
}

test('a drain of a node under load', async (context) => {
  if (cluster.nodes === undefined) return context.skip('it would move what else runs on the node');
  const [drained] = await nodesByServers(cluster);
  const drain = async (): Promise<void> => {
    await kubectl(['drain', drained, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s']);
    await allReady(cluster, SHOP);
  };
  try {
    await underLoad(context, 'drain', drain, drained);
  } finally {
    await kubectl(['uncordon', drained]);
  }
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
  await registerLegacy(8080);
  await kubectl(['apply', '--filename=-'], JSON.stringify(KEPT_ENTRY));
  await kubectl(['wait', '--for=condition=Synced', 'servicedefaults/kept', `--namespace=${FROM_CONSUL}`]);
  await eventually('a Service of Consul', async () =>
    assert.deepEqual(await fromConsul(), ['endpointslices', 'services']),
  );
  keptBefore = await keptEntry();
  await helm(['uninstall', RELEASE, `--namespace=${RELEASE}`]);
  await eventually('nothing else is left', async () => {
    const left = (await inventory(api)).filter((object) => !before.has(object) && !isOfCluster(object));
    const made = left.filter((object) => object.includes(` ${FROM_CONSUL}/legacy`));
    assert.deepEqual(kindsOf(made), ['endpointslices', 'services']);
    assert.deepEqual(
      left.filter((object) => !made.includes(object)),
      LEFT.filter((object) => !before.has(object)).toSorted(),
    );
  });
});

// Any server passes a write on to the one that leads.
const SERVER_0 = '/api/v1/namespaces/tandem/pods/tandem-server-0:8500/proxy';

/** A service of Consul at an address outside of the cluster, of the range for documents. */
async function registerLegacy(port: number): Promise<void> {
  await api.expect('PUT', `${SERVER_0}/v1/catalog/register`, {
    Node: 'outside',
    Address: '192.0.2.7',
    Service: { Service: 'legacy', Port: port },
  });
}

/** The kinds of which there is an object in the namespace that was made of a Consul service. */
async function fromConsul(): Promise<readonly string[]> {
  return kindsOf((await inventory(api)).filter((object) => object.includes(` ${FROM_CONSUL}/legacy`)));
}

/** `services` for `v1/services tandem/web`; each once. */
function kindsOf(objects: readonly string[]): readonly string[] {
  return [...new Set(objects.map((object) => /\/(\w+) /.exec(object)?.[1] ?? object))].toSorted();
}

/**
 * What the cluster makes by itself: the volumes of the servers, which stay with their claims, pods of its own, which a drain has
 * moved, the addresses of Services, and an APIService for the group of each CRD.
 */
function isOfCluster(object: string): boolean {
  const starts = [
    'v1/persistentvolumes ',
    'v1/pods kube-system/',
    'networking.k8s.io/v1/ipaddresses ',
    'apiregistration.k8s.io/v1/apiservices ',
  ];
  return starts.some((start) => object.startsWith(start));
}

const KEPT_ENTRY = {
  apiVersion: `${ENTRY_GROUP}/${ENTRY_VERSION}`,
  kind: 'ServiceDefaults',
  metadata: { name: 'kept', namespace: FROM_CONSUL },
  spec: { protocol: 'http' },
};
const keptEntry = (): Promise<unknown> => consul('/v1/config/service-defaults/kept');
let keptBefore: unknown;

const LEFT = [
  'v1/namespaces /tandem',
  // In every namespace, by Kubernetes.
  'v1/configmaps tandem/kube-root-ca.crt',
  'v1/serviceaccounts tandem/default',
  ...[0, 1, 2].map((server) => `v1/persistentvolumeclaims tandem/data-tandem-server-${server}`),
  'v1/secrets tandem/tandem-webhook-tls',
  'coordination.k8s.io/v1/leases tandem/tandem-webhook-tls',
  'coordination.k8s.io/v1/leases tandem/tandem-sync',
  `${ENTRY_GROUP}/${ENTRY_VERSION}/servicedefaults ${FROM_CONSUL}/kept`,
  ...ENTRY_KINDS.map(
    ({ plural }) => `apiextensions.k8s.io/v1/customresourcedefinitions /${plural}.${ENTRY_GROUP}`,
  ),
];

test('another installation takes what is left, and works', async (context) => {
  const again = await released(cluster, () => withValues(cluster, values, ['install', RELEASE, CHART]));
  context.diagnostic(`installed again: all Ready after ${again.seconds} s`);
  const from = performance.now();
  const said = await cluster.shell(`helm test ${RELEASE} --namespace ${RELEASE} 2>&1`);
  context.diagnostic(`installed again: helm test took ${secondsSince(from)} s`);
  assert.match(said, /gets its sidecar/);
  assert.match(said, /came to Consul, and went again/);
  assert.deepEqual(await keptEntry(), keptBefore);
  // The server has it from the last time, and the Service is known as ours.
  assert.deepEqual(await fromConsul(), ['endpointslices', 'services']);
  await registerLegacy(9090);
  await eventually('another port', async () => {
    const service = await api.expect('GET', `/api/v1/namespaces/${FROM_CONSUL}/services/legacy`);
    assert.equal(at(service, 'spec', 'ports', 0, 'port'), 9090);
  });
});

test('without its programs, what the sync has left in Consul goes by a purge, and the rest by kubectl', async () => {
  const instances = async (): Promise<number> => {
    const body = await consul(`/v1/catalog/node-services/k8s-sync-${OWNER}`);
    return ((body as { readonly Services: readonly unknown[] } | null)?.Services ?? []).length;
  };
  await makeNamespace(cluster, SHOP);
  await api.expect('POST', `/api/v1/namespaces/${SHOP}/services`, {
    metadata: { name: 'payments' },
    spec: { type: 'ExternalName', externalName: 'payments.example.com', ports: [{ port: 443 }] },
  });
  await eventually('an instance', async () => assert.equal(await instances(), 1));
  await withValues(cluster, { ...values, connectInject: OFF, syncCatalog: OFF }, ['upgrade', RELEASE, CHART]);
  await eventually('the end of the programs', async () => {
    const pods = await podsOf(api, RELEASE, 'app.kubernetes.io/component in (sync,webhook)');
    assert.deepEqual(pods, []);
  });
  assert.equal(await instances(), 1);
  const purge = documented(/^tandem (sync .*--purge=<owner>.*)$/m)
    .replaceAll('<owner>', OWNER)
    .replace('consul:8500', `tandem-server.${RELEASE}:8500`);
  await createPod(cluster, SHOP, {
    metadata: { name: 'purge' },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'purge',
          image: cluster.image,
          command: ['node', '/app/tandem.js', ...purge.split(' ')],
        },
      ],
    },
  });
  await eventually('the end of the purge', async () => {
    const [pod] = await podsOf(api, SHOP);
    assert.equal(pod?.status.phase, 'Succeeded');
  });
  assert.equal(await instances(), 0);
  for (const line of [documented(/^(kubectl -n tandem delete secret.*)$/m), REMOVE_FROM_CONSUL])
    await cluster.shell(line.replace('from-consul', FROM_CONSUL));
  const left = await inventory(api);
  assert.deepEqual(
    left.filter((object) => / tandem(?:-from-consul\/legacy|\/tandem-webhook|\/tandem-sync)/.test(object)),
    [],
  );
});

const OFF = { enabled: false };
const REMOVE_FROM_CONSUL = documented(/^(kubectl -n from-consul delete services.*)$/m);

/** What docs/install.md tells people to do. */
function documented(line: RegExp): string {
  const [, found = ''] = line.exec(readFileSync(join(ROOT, 'docs/install.md'), 'utf8')) ?? [];
  assert.notEqual(found, '');
  return found;
}
