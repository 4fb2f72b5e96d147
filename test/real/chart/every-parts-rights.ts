/** The rights of config entries, the webhook, the redirector and `helm test`, each taken away from running processes. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JSON_PATCH, MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer, type ApiServer } from '../harness/api-server.ts';
import { at, CHART, renderChart, type Rendered } from '../harness/chart.ts';
import { startConsul, type Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import type { RunningProcess } from '../harness/processes.ts';
import type { Scene } from '../harness/scene.ts';
import { tandemCheck } from '../harness/tandem-check.ts';
import { TANDEM } from '../harness/tandem-program.ts';
import { inServiceAccount } from '../redirection/node.ts';
import { byRunning, byStart, eachIsNamed, type PartUse } from './each-part-right.ts';
import { applier, partsOf } from './apply-objects.ts';
import { entryUses } from './entry-uses.ts';
import { harden, haveAll, rightsOf, textInRole, textOf, type Component } from './role-rights.ts';
import { everythingElse, syncRenderings } from './taken-renderings.ts';

type World = { readonly scene: Scene; readonly api: ApiServer; readonly consul: Consul };

/** One after the other: as soon as the webhook is configured, it is asked about pods, and cannot answer. */
export async function everyPartsRights(scene: Scene): Promise<void> {
  const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
  const world = { scene, api, consul };
  await api.createNamespace('tandem');
  await api.createNamespace('from-consul');
  await harden(api);
  const { entries, fromConsul, toConsul } = syncRenderings(consul.ports.http);
  const others = await Promise.all([fromConsul, toConsul].map((values) => renderChart(values)));
  const entryChart = await renderChart(entries);
  const chart = await renderChart(everythingElse(consul.ports.http));
  // From the first test on nothing is awaited: a scene ends with its tests.
  ofEntries(world, entryChart, others);
  ofRedirector(world, chart);
  ofHelmTest(world, chart);
  ofWebhook(world, chart);
}

/** Gives the token of its account. */
async function install({ api }: World, chart: Rendered, part: Component): Promise<string> {
  await applier(api.admin)(partsOf(chart, part));
  await haveAll(api, rightsOf(chart, part));
  return api.serviceAccountToken('tandem', `tandem-${part}`);
}

function argumentsOf(chart: Rendered, name: string): readonly string[] {
  const deployment = chart.one('Deployment', `tandem-${name}`);
  return at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'args') as readonly string[];
}

/** A part that runs: what it needs is made by its first test, because those before would see it. */
function runningPart(what: string, prepare: () => Promise<RunningProcess>): () => RunningProcess {
  let started: RunningProcess | undefined;
  test(`${what}: it runs with the rights of the chart`, async () => {
    started = await prepare();
    assert.doesNotMatch(started.log(), /forbidden|status 403/);
  });
  return () => started ?? assert.fail(`no ${what}`);
}

function ofEntries(world: World, chart: Rendered, others: readonly Rendered[]): void {
  const { scene, api, consul } = world;
  let kubeconfig = '';
  const start = (): Promise<RunningProcess> =>
    scene.start({
      name: 'tandem sync',
      command: process.execPath,
      args: [
        TANDEM,
        ...argumentsOf(chart, 'sync'),
        `--kubeconfig=${kubeconfig}`,
        '--status-listen=127.0.0.1:0',
      ],
      environment: { POD_NAMESPACE: 'tandem' },
    });
  const check = async (): Promise<string> => {
    const { of } = await tandemCheck([
      '--account=sync',
      '--to-consul=false',
      '--config-entries',
      '--config-entries-adopt',
      '--owner=one',
      `--kubeconfig=${kubeconfig}`,
      `--consul-http-addr=${consul.url}`,
      '--lease-namespace=tandem',
    ]);
    return of('rights').join('\n');
  };
  let leader: RunningProcess | undefined;
  const { prepare, useOf } = entryUses(api, consul, { leader: () => leader ?? assert.fail(), start, check });
  const running = runningPart('config entries', async () => {
    kubeconfig = api.kubeconfig({ token: await install(world, chart, 'sync') });
    leader = await start();
    await prepare();
    return leader;
  });
  const elsewhere = new Set(others.flatMap((each) => rightsOf(each, 'sync')).map(textInRole));
  const rights = rightsOf(chart, 'sync').filter((right) => !elsewhere.has(textInRole(right)));
  eachIsNamed('config entries', api, rights, useOf);
  test('config entries: the sync ends', async () => {
    await running().stop();
  });
}

const NODE = 'node-1';

function ofRedirector(world: World, chart: Rendered): void {
  const { scene, api } = world;
  let kubeconfig = '';
  const start = (): Promise<RunningProcess> =>
    scene.start({
      name: 'tandem redirector',
      command: process.execPath,
      args: [
        TANDEM,
        'redirector',
        `--node-name=${NODE}`,
        `--kubeconfig=${kubeconfig}`,
        '--status-listen=127.0.0.1:0',
      ],
    });
  const running = runningPart('redirector', async () => {
    kubeconfig = api.kubeconfig({ token: await install(world, chart, 'redirector') });
    return start();
  });
  // It has a ServiceAccount for pods.
  const namespace = '/api/v1/namespaces/from-consul';
  const pods = `${namespace}/pods`;
  const damaged = (text: string): object => ({ 'tandem/redirect': text });
  const create = async (name: string): Promise<void> => {
    const labels = { 'consul.hashicorp.com/connect-inject-status': 'injected' };
    const initContainers = [{ name: 'consul-connect-redirect', image: 'tandem' }];
    const spec = { nodeName: NODE, initContainers, containers: [{ name: 'app', image: 'app' }] };
    const metadata = { name, labels, annotations: damaged('one') };
    await api.admin.expect('POST', pods, { metadata, spec });
  };
  const damage = (name: string, text: string): Promise<unknown> =>
    api.admin.expect('PATCH', `${pods}/${name}`, { metadata: { annotations: damaged(text) } }, MERGE_PATCH);
  const told = (): Promise<void> =>
    eventually('an Event', async () => {
      const path = `${namespace}/events?fieldSelector=involvedObject.name=again`;
      const { items } = (await api.admin.expect('GET', path)) as unknown as { items: readonly unknown[] };
      assert.equal(items.length, 1);
    });
  const uses: Readonly<Record<string, PartUse>> = {
    'create events': byRunning(running, () => create('once')),
    // The same problem again raises the count of its Event.
    'patch events': byRunning(running, () => damage('again', 'two'), {
      prepare: async () => {
        await create('again');
        await told();
      },
      restore: () => running().stop(),
    }),
  };
  eachIsNamed('redirector', api, rightsOf(chart, 'redirector'), (right) =>
    right.resource === 'pods' ? byStart(start) : uses[textOf(right)],
  );
}

/** A service account as a kubelet mounts it. */
function accountFolder({ scene, api }: World, part: Component, token: string): string {
  const folder = join(scene.folder, `account-${part}`);
  mkdirSync(folder, { mode: 0o700 });
  for (const [name, text] of Object.entries({ 'ca.crt': api.ca, token, namespace: 'tandem' }))
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  return folder;
}

function inCluster({ url }: ApiServer): Readonly<Record<string, string>> {
  const { hostname, port } = new URL(url);
  return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
}

function ofHelmTest(world: World, chart: Rendered): void {
  const { scene, api, consul } = world;
  let folder = '';
  test('helm test: its account is there', async () => {
    folder = accountFolder(world, 'test', await install(world, chart, 'test'));
  });
  const run = (name: string) => (): Promise<RunningProcess> =>
    scene.start({
      name,
      command: process.execPath,
      args: [join(CHART, 'files', `test-${name}.mjs`)],
      environment: {
        ...inCluster(api),
        SERVICE_ACCOUNT: folder,
        TEST_NAMESPACE: 'default',
        WRITE_NAMESPACE: 'from-consul',
        PREFIX: '',
        TAG: '',
        CONSUL_HTTP_ADDR: consul.url,
      },
    });
  /** In Consul as the sync would have it. */
  const arrives = async (): Promise<RunningProcess> => {
    const started = await run('sync')();
    const name = await eventually('a Service', async () => {
      const { items } = (await api.admin.expect('GET', '/api/v1/namespaces/default/services')) as unknown as {
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      };
      const found = items.find(({ metadata }) => metadata.name.startsWith('tandem-test-'));
      assert.ok(found);
      return found.metadata.name;
    });
    const Service = { Service: name };
    await consul.call('PUT', '/v1/catalog/register', { Node: 'k8s-sync', Address: '127.0.0.1', Service });
    return started;
  };
  const uses: Readonly<Record<string, PartUse>> = {
    'create pods': byStart(run('injection')),
    'create services': byStart(run('sync')),
    'delete services': byStart(arrives),
    'get services': byStart(run('to-kubernetes')),
  };
  eachIsNamed('helm test', api, rightsOf(chart, 'test'), (right) => uses[textOf(right)]);
}

function ofWebhook(world: World, chart: Rendered): void {
  const { scene, api } = world;
  let folder = '';
  const start = async (): Promise<RunningProcess> => {
    const [port = 0, status = 0] = await freePorts(2);
    const args = argumentsOf(chart, 'webhook').filter((each) => !each.startsWith('--shutdown-delay'));
    const listen = [`--listen=127.0.0.1:${port}`, `--status-listen=127.0.0.1:${status}`];
    return scene.start({
      name: 'tandem webhook',
      command: 'unshare',
      args: [...inServiceAccount(folder), process.execPath, TANDEM, ...args, ...listen, '--shutdown-delay=0'],
      environment: inCluster(api),
    });
  };
  const configuration = (kind: string): string =>
    `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/tandem-webhook`;
  const bundle = async (kind: string): Promise<void> => {
    const found = await api.admin.expect('GET', configuration(kind));
    assert.ok(at(found, 'webhooks', 0, 'clientConfig', 'caBundle'));
  };
  const running = runningPart('webhook', async () => {
    folder = accountFolder(world, 'webhook', await install(world, chart, 'webhook'));
    const started = await start();
    for (const kind of ['mutating', 'validating']) await eventually(`a bundle (${kind})`, () => bundle(kind));
    return started;
  });
  const lease = '/apis/coordination.k8s.io/v1/namespaces/tandem/leases/tandem-webhook-tls';
  const secret = '/api/v1/namespaces/tandem/secrets/tandem-webhook-tls';
  const noBundle = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: '' }];
  const byLeader = (provoke: () => Promise<unknown>, says?: RegExp): PartUse =>
    byRunning(running, provoke, says && { says });
  const spoil = (kind: string): PartUse =>
    byLeader(() => api.admin.expect('PATCH', configuration(kind), noBundle, JSON_PATCH));
  const writes = (verb: string): RegExp =>
    new RegExp(
      `Secret tandem/tandem-webhook-tls cannot be written: status 403.*the right to ${verb} secrets`,
    );
  const uses: Readonly<Record<string, PartUse>> = {
    'get /version': { ...byStart(start), says: /cannot read the version of the API server: status 403/ },
    'get namespaces': byStart(start),
    'patch mutatingwebhookconfigurations': spoil('mutating'),
    'patch validatingwebhookconfigurations': spoil('validating'),
    'update secrets': byLeader(
      () => api.admin.expect('PATCH', secret, { data: { 'tls.crt': 'Z2FyYmFnZQ==' } }, MERGE_PATCH),
      writes('update'),
    ),
    'create secrets': byLeader(() => api.admin.expect('DELETE', secret), writes('create')),
    'get leases': byStart(start),
    'update leases': byLeader(() => Promise.resolve()),
    'create leases': byLeader(() => api.admin.expect('DELETE', lease)),
  };
  eachIsNamed('webhook', api, rightsOf(chart, 'webhook'), ({ verb, resource }) =>
    ['list', 'watch'].includes(verb) ? byStart(start) : uses[`${verb} ${resource}`],
  );
}
