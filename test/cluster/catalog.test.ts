/** Services of every type in Consul and in its DNS, asked from outside of the cluster, and Consul's services in Kubernetes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { ENTRY_KINDS } from '../../src/catalog/config-entries/entry-kinds.ts';
import { MERGE_PATCH } from '../real/harness/api-client.ts';
import { at } from '../real/harness/chart.ts';
import { eventually } from '../real/harness/eventually.ts';
import { ensureParts, partPath } from '../real/parts.ts';
import { createDeployment, putApps } from './harness/app-pod.ts';
import { openCluster, ROOT } from './harness/cluster.ts';
import { consulApi } from './harness/consul.ts';
import { DEMO, podOf } from './harness/demos.ts';
import { testOn } from './harness/evidence.ts';
import { podsOf, type Pod } from './harness/list.ts';
import { makeNamespace, RESTRICTED } from './harness/namespaces.ts';
import { allReady, podsReady } from './harness/ready.ts';
import { createRelay } from './harness/relay.ts';
import { CHART, installRelease, RELEASE, secondsSince, withValues } from './harness/release.ts';

// Where the Services are that are made of Consul's.
const FROM_CONSUL = 'tandem-from-consul';
const SERVICES = `/api/v1/namespaces/${DEMO}/services`;
const cluster = await openCluster();
await ensureParts(['dig']);
const { api, kubectl } = cluster;
const consul = consulApi(cluster);
await makeNamespace(cluster, FROM_CONSUL);
const syncCatalog = {
  toK8S: true,
  k8sWriteNamespace: FROM_CONSUL,
  // Every cluster has pods, and none an address outside of it that its pods are sure to reach.
  allowClusterAddresses: true,
};
const values = {
  global: { owner: 'suite' },
  server: { replicas: 1 },
  dns: { type: 'NodePort' },
  syncCatalog,
};
const release = await installRelease(cluster, values);
after(() => release.uninstall([DEMO, FROM_CONSUL]));
await makeNamespace(cluster, DEMO, RESTRICTED);
await putApps(cluster, DEMO);
await createDeployment(cluster, DEMO, 'web', {
  replicas: 2,
  app: 'web-server.ts',
  args: ['web', '8080'],
  port: 8080,
});
const client = await createRelay(cluster, DEMO, 'client');
await Promise.all([allReady(cluster, DEMO), podsReady(cluster, DEMO, ['client'])]);
const test = testOn(cluster, ['tandem', DEMO, FROM_CONSUL]);
const dns = await dnsOfConsul();
const selector = { app: 'web' };

async function dnsOfConsul(): Promise<readonly string[]> {
  const service = await api.expect('GET', '/api/v1/namespaces/tandem/services/tandem-dns');
  const node = await api.expect('GET', `/api/v1/nodes/${(await podOf(cluster, 'client')).spec.nodeName}`);
  const addresses = at(node, 'status', 'addresses') as readonly {
    readonly type: string;
    readonly address: string;
  }[];
  const address = addresses.find(({ type }) => type === 'InternalIP')?.address;
  return [`@${address}`, '-p', String(at(service, 'spec', 'ports', 0, 'nodePort'))];
}

/** Short answers of Consul's DNS for a service, in their order. */
async function dig(service: string, type: string): Promise<readonly string[]> {
  const question = [`${service}.service.consul`, type];
  const { stdout } = await promisify(execFile)(partPath('dig'), [
    ...dns,
    '+short',
    '+timeout=2',
    ...question,
  ]);
  return stdout.trim().split('\n').toSorted();
}

async function resolves(service: string, type: string, expected: readonly string[]): Promise<void> {
  await eventually(`${service} ${type} is ${expected.join(' ')}`, async () =>
    assert.deepEqual(await dig(service, type), expected.toSorted()),
  );
}

/** Service with this name, and the name of what becomes of it in Consul. */
async function serve(name: string, spec: object): Promise<string> {
  await api.expect('POST', SERVICES, { metadata: { name }, spec });
  return `${name}-${DEMO}`;
}

async function addressesOf(pods: Promise<readonly Pod[]>): Promise<readonly string[]> {
  return (await pods).map(({ status }) => status.podIP ?? '');
}

test('ClusterIP and headless: the pods behind it, at their own port, and one that goes', async () => {
  const service = await serve('web', { selector, ports: [{ port: 80, targetPort: 8080 }] });
  const headless = await serve('peers', {
    selector,
    clusterIP: 'None',
    ports: [{ port: 80, targetPort: 8080 }],
  });
  const pods = (): Promise<readonly Pod[]> => podsOf(api, DEMO, 'app=web');
  const both = await addressesOf(pods());
  assert.equal(both.length, 2);
  await resolves(service, 'A', both);
  await resolves(headless, 'A', both);
  await eventually('the port of the pods', async () =>
    assert.match((await dig(service, 'SRV'))[0] ?? '', /^1 \d+ 8080 /),
  );

  await cluster.kubectl(['scale', 'deployment/web', '--replicas=1', '-n', DEMO]);
  await allReady(cluster, DEMO);
  const left = (await pods()).find(({ metadata }) => metadata.deletionTimestamp === undefined);
  await resolves(service, 'A', [left?.status.podIP ?? '']);
});

test('NodePort: the node that runs an endpoint, at the port of the node, where it answers', async () => {
  const service = await serve('door', {
    type: 'NodePort',
    selector,
    ports: [{ port: 80, targetPort: 8080 }],
  });
  const nodePort = Number(at(await api.expect('GET', `${SERVICES}/door`), 'spec', 'ports', 0, 'nodePort'));
  await eventually('the port of the node', async () =>
    assert.match((await dig(service, 'SRV'))[0] ?? '', new RegExp(`^1 \\d+ ${nodePort} `)),
  );
  // kube-proxy may be a second behind Consul.
  await eventually('an answer', async () => {
    const [address] = await dig(service, 'A');
    assert.equal(await client.get(`http://${address}:${nodePort}/`), 'web');
  });
});

test('LoadBalancer, externalIPs and ExternalName: where they lead', async () => {
  const ports = [{ port: 443 }];
  // A class that no controller has: the test plays it.
  const balancer = { type: 'LoadBalancer', loadBalancerClass: 'tandem.test/none', selector, ports };
  const balanced = await serve('balanced', balancer);
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } };
  await api.expect('PATCH', `${SERVICES}/balanced/status`, { status }, MERGE_PATCH);
  await resolves(balanced, 'A', ['198.51.100.7']);
  await resolves(await serve('edge', { selector, externalIPs: ['203.0.113.1'], ports }), 'A', [
    '203.0.113.1',
  ]);
  const external = { type: 'ExternalName', externalName: 'payments.example.com', ports };
  await resolves(await serve('payments', external), 'CNAME', ['payments.example.com.']);
});

test('a Service that is deleted leaves Consul', async () => {
  await cluster.kubectl(['delete', 'service', '--all', '-n', DEMO]);
  const own = async (): Promise<readonly string[]> =>
    Object.keys((await consul('GET', '/v1/catalog/services')) as object).filter((name) =>
      name.includes(DEMO),
    );
  await eventually('no Service of the namespace in Consul', async () => assert.deepEqual(await own(), []));
});

test('a service of Consul is called from a pod by its name in Kubernetes, and goes with its last instance', async () => {
  await registerLegacy();
  await eventually('an answer of legacy', async () =>
    assert.equal(await client.get(`http://legacy.${FROM_CONSUL}:8080/`), 'web'),
  );
  await consul('PUT', '/v1/catalog/deregister', { Node: 'outside' });
  await eventually('the end of the Service', async () => {
    const { status } = await api.request('GET', `/api/v1/namespaces/${FROM_CONSUL}/services/legacy`);
    assert.equal(status, 404);
  });
});

test('with external-name it is an alias, which pods follow to Consul by the DNS of the cluster', async (context) => {
  if (cluster.nodes === undefined)
    return context.skip('the DNS of this cluster is not the suite’s to configure');
  const aliases = { ...values, syncCatalog: { ...syncCatalog, toK8SMode: 'external-name' } };
  await Promise.all([
    withValues(cluster, aliases, ['upgrade', RELEASE, CHART]),
    forwardToConsul(),
    registerLegacy(),
  ]);
  await eventually('an alias', async () => {
    const service = await api.expect('GET', `/api/v1/namespaces/${FROM_CONSUL}/services/legacy`);
    assert.equal(at(service, 'spec', 'externalName'), 'legacy.service.consul');
  });
  await eventually('an answer of legacy', async () =>
    assert.equal(await client.get(`http://legacy.${FROM_CONSUL}:8080/`), 'web'),
  );
});

const ENTRIES = 'examples/config-entries';
// Custom resources of one kind at a time: Consul lists no others.
const entryNames = async (): Promise<readonly string[]> => {
  const kinds = ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true);
  const lists = kinds.map(({ entryKind }) => consul('GET', `/v1/config/${entryKind}`));
  return (await Promise.all(lists)).flatMap((list) =>
    (list as readonly object[]).map((entry) => `${String(at(entry, 'Kind'))}/${String(at(entry, 'Name'))}`),
  );
};

test('kubectl apply of every example of a config entry, its columns, and a deletion that leaves nothing', async () => {
  await kubectl(['apply', `--filename=${ENTRIES}`, `--namespace=${DEMO}`]);
  for (const { plural, enterprise } of ENTRY_KINDS) {
    const condition = `--for=condition=Synced=${enterprise === true ? 'false' : 'true'}`;
    await kubectl(['wait', condition, plural, '--all', `--namespace=${DEMO}`, '--timeout=60s']);
  }
  assert.equal(
    (await entryNames()).length,
    ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true).length,
  );
  const table = await kubectl(['get', 'consul', `--namespace=${DEMO}`]);
  assert.match(table, /^NAME +DESTINATION +SYNCED +REASON +LAST SYNCED +AGE$/m);
  assert.match(table, /^serviceintentions\S+counting +counting +True +Synced +\d+s +\d+s$/m);
  assert.match(table, /^samenessgroup\S+everywhere +False +UnsupportedByConsul +\d*s? +\d+s$/m);
  await kubectl(['delete', `--filename=${ENTRIES}`, `--namespace=${DEMO}`]);
  await eventually('no entry', async () => assert.deepEqual(await entryNames(), []));
});

test('a namespace ends although Consul is away, and its entries go when Consul is back', async (context) => {
  const [entries, empty] = ['tandem-entries', 'tandem-empty'] as const;
  await Promise.all([makeNamespace(cluster, entries), makeNamespace(cluster, empty)]);
  await kubectl(['apply', `--filename=${ENTRIES}/service-defaults.yaml`, `--namespace=${entries}`]);
  await kubectl(['wait', '--for=condition=Synced', 'servicedefaults', '--all', `--namespace=${entries}`]);
  const held = await entryNames();
  const server = ['statefulset/tandem-server', `--namespace=${RELEASE}`];
  await kubectl(['scale', ...server, '--replicas=0']);
  await kubectl(['wait', '--for=delete', 'pod/tandem-server-0', `--namespace=${RELEASE}`]);
  const seconds = await Promise.all(
    [empty, entries].map(async (name) => {
      const from = performance.now();
      await kubectl(['delete', 'namespace', name]);
      return secondsSince(from);
    }),
  );
  context.diagnostic(
    `without Consul, a namespace with config entries ended in ${seconds[1]} s, an empty one in ${seconds[0]} s`,
  );
  await kubectl(['scale', ...server, '--replicas=1']);
  await allReady(cluster, RELEASE);
  assert.notDeepEqual(held, []);
  await eventually('no entry', async () => assert.deepEqual(await entryNames(), []));
});

/** An instance of the service `legacy` in Consul, of nobody in the cluster, that the web server plays. */
async function registerLegacy(): Promise<void> {
  const { podIP } = (await podOf(cluster, 'web')).status;
  await consul('PUT', '/v1/catalog/register', {
    Node: 'outside',
    Address: podIP,
    Service: { ID: 'legacy', Service: 'legacy', Address: podIP, Port: 8080 },
    Check: { CheckID: 'legacy', ServiceID: 'legacy', Name: 'up', Status: 'passing' },
  });
}

/** What docs/to-kubernetes.md tells people to add to the configuration of CoreDNS; taken away at the end. */
async function forwardToConsul(): Promise<void> {
  const path = '/api/v1/namespaces/kube-system/configmaps/coredns';
  const document = readFileSync(join(ROOT, 'docs/to-kubernetes.md'), 'utf8');
  const [, block = ''] = /```corefile\n([^`]*)```/.exec(document) ?? [];
  const service = await api.expect('GET', '/api/v1/namespaces/tandem/services/tandem-dns');
  const forward = block.replace('10.96.0.53', String(at(service, 'spec', 'clusterIP')));
  assert.notEqual(forward, block);
  const before = String(at(await api.expect('GET', path), 'data', 'Corefile'));
  const set = (Corefile: string): Promise<unknown> =>
    api.expect('PATCH', path, { data: { Corefile } }, MERGE_PATCH);
  after(() => set(before));
  await set(before + forward);
  // Else the kubelet takes a minute to write the file, and CoreDNS half of one to look at it.
  await cluster.kubectl(['delete', 'pods', '--namespace=kube-system', '--selector=k8s-app=kube-dns']);
  await cluster.kubectl([
    'rollout',
    'status',
    'deployment/coredns',
    '--namespace=kube-system',
    '--timeout=120s',
  ]);
}
