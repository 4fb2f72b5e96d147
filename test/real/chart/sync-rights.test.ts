/** `tandem sync` with the flags and the rights that the chart renders: they are enough, and each of them is needed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerOf, type Status } from '../../../src/status-page/status.ts';
import { startInProcess, type StartedInProcess } from '../../integration/cli/in-process.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { at, renderChart, type Rendered } from '../harness/chart.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import { startScene } from '../harness/scene.ts';
import { startWebhook } from '../harness/webhook.ts';
import { placedPods } from '../registrar/placed-pods.ts';
import { NAMESPACE, SERVICES, startToK8sScene } from '../to-k8s/write-namespace.ts';
import { applier, partsOf } from './apply-objects.ts';
import { giveBack, haveAll, refusalOf, rightsOf, takeAway, textInRole, type Right } from './role-rights.ts';
import { syncRenderings } from './taken-renderings.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'helm']);
const toK8s = await startToK8sScene(scene);
const { api, consul, register, deregister } = toK8s;
const cluster = clusterObjects(api);
const [port = 0] = await freePorts(1);
const URL = `http://127.0.0.1:${port}`;
await api.createNamespace('tandem');
await api.createNamespace('mesh');

const renderings = syncRenderings(consul.ports.http);
const [fromConsul, toConsul, everything] = await Promise.all(
  [renderings.fromConsul, renderings.toConsul, renderings.both].map((values) => renderChart(values)),
);
assert.ok(fromConsul !== undefined && toConsul !== undefined && everything !== undefined);
const isAll = process.env['TANDEM_EVERY_RIGHT'] !== undefined;

function argumentsOf(chart: Rendered, name: string): readonly string[] {
  const deployment = chart.one('Deployment', `tandem-${name}`);
  return at(deployment, 'spec', 'template', 'spec', 'containers', 0, 'args') as readonly string[];
}

/** With the arguments that its Deployment gives it, and the rights of its account. It may fail to serve. */
async function start(chart: Rendered): Promise<StartedInProcess> {
  const token = await api.serviceAccountToken('tandem', 'tandem-sync');
  const args = argumentsOf(chart, 'sync').filter((flag) => !flag.startsWith('--shutdown-delay='));
  const here = [
    `--kubeconfig=${api.kubeconfig({ token })}`,
    `--status-listen=127.0.0.1:${port}`,
    '--shutdown-delay=0',
  ];
  return startInProcess([...args, ...here], { POD_NAMESPACE: 'tandem' });
}

const apply = applier(api.admin);

async function install(chart: Rendered): Promise<void> {
  await apply(partsOf(chart, 'sync'));
  await haveAll(api, rightsOf(chart, 'sync'));
}

let made = 0;
const newName = (): string => `s${(made += 1)}`;
const address = '10.60.0.1';
async function there(name: string): Promise<void> {
  await toK8s.addresses(name, [address]);
  await eventually(`the Service ${name}`, () => api.admin.expect('GET', `${SERVICES}/${name}`));
}
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/tandem/leases/tandem-sync';

async function eventOn(name: string, namespace: string): Promise<unknown> {
  return eventually(`an Event on ${name}`, async () => {
    // The API server writes some too, when it repairs the address of a new Service.
    const selector = encodeURIComponent(`involvedObject.name=${name},source=tandem`);
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`;
    const [event] = (await api.admin.expect('GET', path))['items'] as readonly unknown[];
    assert.ok(event);
    return event;
  });
}

/** A service of Consul whose name is taken. */
async function conflict(): Promise<string> {
  const name = newName();
  await api.admin.expect('POST', SERVICES, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
  await register(name, [{ address }]);
  return name;
}

/** A Service whose port annotation is wrong, or was until now. */
async function wrongPort(name: string, value: string | null): Promise<void> {
  const annotations = { 'consul.hashicorp.com/service-port': value };
  await api.admin.expect(
    'PATCH',
    `/api/v1/namespaces/default/services/${name}`,
    { metadata: { annotations } },
    MERGE_PATCH,
  );
}

async function newService(): Promise<string> {
  const name = newName();
  await cluster.service(name, { ports: [{ port: 80 }] }, { 'service-port': 'none-of-them' });
  return name;
}

async function status(): Promise<Status> {
  return (await (await fetch(`${URL}/status`)).json()) as Status;
}

async function conflicts(): Promise<readonly string[]> {
  return controllerOf(await status(), 'to-kubernetes')?.conflicts ?? [];
}

async function problemsOf(name: string): Promise<unknown> {
  const rows = controllerOf(await status(), 'to-consul')?.rows ?? [];
  return rows.find(({ source }) => source === `Service/default/${name}`)?.problems;
}

/** What makes the process use a right; what it uses at its start needs nothing. */
const uses: Readonly<Record<string, () => Promise<unknown>>> = {
  'create services': () => register(newName(), [{ address }]),
  'create endpointslices': () => register(newName(), [{ address }]),
  'patch services': async () => {
    const name = newName();
    await register(name, [{ address }]);
    await there(name);
    await api.admin.expect('PATCH', `${SERVICES}/${name}`, { metadata: { labels: null } }, MERGE_PATCH);
  },
  'patch endpointslices': async () => {
    const name = newName();
    await register(name, [{ address }]);
    await there(name);
    await register(name, [{ address: '10.60.0.2' }]);
  },
  'delete services': removeOne,
  'delete endpointslices': removeOne,
};

async function removeOne(): Promise<void> {
  const name = newName();
  await register(name, [{ address }]);
  await there(name);
  await deregister(name, { address });
}

const usesFromConsul: typeof uses = {
  ...uses,
  'create events': conflict,
  'patch events': async () => {
    const name = await conflict();
    await eventOn(name, NAMESPACE);
    await deregister(name, { address });
    await eventually('the end of the conflict', async () => assert.ok(!(await conflicts()).includes(name)));
    await register(name, [{ address }]);
  },
};

const usesToConsul: typeof uses = {
  'create events': newService,
  'patch events': async () => {
    const name = await newService();
    await eventOn(name, 'default');
    await wrongPort(name, null);
    await eventually('the end of the problem', async () => assert.deepEqual(await problemsOf(name), []));
    await wrongPort(name, 'none-of-them');
  },
};

/** Those of the start, and of every process. */
const AT_START = /^(?:list|watch) |^get namespaces$| leases$/;

const keyOf = ({ verb, resource }: Right): string => `${verb} ${resource}`;

/**
 * The lists and watches of a role together, unless each is asked for: a process has them side by side. Without the list of
 * Services it does not come to those of what they name.
 */
function turnsOf(chart: Rendered): readonly (readonly Right[])[] {
  const turnOf = (right: Right): string => {
    const isSideBySide = /^(?:list|watch)$/.test(right.verb) && keyOf(right) !== 'list services';
    return [right.role.kind, right.role.metadata.name, isSideBySide ? right.verb : keyOf(right)].join(' ');
  };
  const rights = rightsOf(chart, 'sync');
  return isAll ? rights.map((right) => [right]) : [...Map.groupBy(rights, turnOf).values()];
}

function eachIsNeeded(name: string, chart: Rendered, provoke: typeof uses): void {
  for (const rights of turnsOf(chart)) {
    const keys = rights.map(keyOf);
    const [{ role } = assert.fail()] = rights;
    const where = role.kind === 'Role' ? ` in ${role.metadata.namespace}` : '';
    test(`${name}: without the right to ${keys.join(', ')}${where} it is refused, and says so`, async () => {
      await takeAway(api, rights);
      if (keys.includes('create leases')) await api.admin.request('DELETE', LEASE);
      const started = await start(chart);
      try {
        for (const key of keys) if (!AT_START.test(key)) await use(provoke, key);
        for (const right of rights)
          await eventually('the refusal', async () => assert.match(started.log(), refusalOf(right)));
      } finally {
        await started.stop();
      }
      await giveBack(api, rights);
    });
  }
}

function use(provoke: typeof uses, key: string): Promise<unknown> {
  const action = provoke[key];
  if (action === undefined) throw new Error(`nothing here makes it ${key}`);
  return action();
}

async function countOf(name: string, namespace: string): Promise<void> {
  await eventually('the second Event', async () =>
    assert.equal(at(await eventOn(name, namespace), 'count'), 2),
  );
}

/** What it did is there, and nothing was refused on the way. */
async function isEnough(chart: Rendered, work: () => Promise<unknown>): Promise<void> {
  const started = await start(chart);
  try {
    await work();
  } finally {
    await started.stop();
  }
  assert.doesNotMatch(started.log(), /forbidden|status 403/);
}

async function fromConsulWorks(): Promise<void> {
  for (const key of Object.keys(uses)) await use(usesFromConsul, key);
  await toK8s.gone(`s${made}`);
  await use(usesFromConsul, 'patch events');
  await countOf(`s${made}`, NAMESPACE);
}

async function toConsulWorks(pod: string): Promise<void> {
  await placedPods(api, 'mesh').create(pod);
  await eventually('the pod', async () => {
    const found = (await consul.call('GET', '/v1/catalog/service/app')) as readonly unknown[];
    assert.ok(found.some((each) => at(each, 'ServiceID') === `mesh.${pod}.app`));
  });
  await eventually('the Service', async () => {
    const found = (await consul.call('GET', '/v1/catalog/service/door-default')) as readonly unknown[];
    assert.equal(at(found, 0, 'ServiceAddress'), '10.0.0.1');
  });
  await use(usesToConsul, 'patch events');
  await countOf(`s${made}`, 'default');
}

await install(fromConsul);

test('from Consul: all of it works with the rights of the chart', () =>
  isEnough(fromConsul, fromConsulWorks));

eachIsNeeded('from Consul', fromConsul, usesFromConsul);

test('to Consul, with the registrar: all of it works with the rights of the chart', async () => {
  await install(toConsul);
  const injectFlags = argumentsOf(toConsul, 'webhook').filter(
    (flag) => !/^(?:webhook$|--tls-|--webhook-configuration=|--shutdown-delay=)/.test(flag),
  );
  const { metadata } = await api.admin.expect('GET', '/api/v1/namespaces/kube-system');
  // As the webhook reads it in its pod.
  await startWebhook(scene, api, 'mesh', [...injectFlags, `--owner=${metadata.uid?.slice(0, 8)}`]);
  await cluster.node('node-1', { InternalIP: '10.0.0.1' });
  // From the first one on nodes are watched.
  await cluster.service('door', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] });
  await cluster.endpoints('door', 8080, [{ address, node: 'node-1' }]);
  await isEnough(toConsul, () => toConsulWorks('app-0'));
});

eachIsNeeded('to Consul, with the registrar', toConsul, usesToConsul);

test('both directions, with the registrar: each right is one of those', () => {
  const taken = new Set([fromConsul, toConsul].flatMap((chart) => rightsOf(chart, 'sync').map(textInRole)));
  const others = rightsOf(everything, 'sync').map(textInRole);
  assert.deepEqual(
    others.filter((each) => !taken.has(each)),
    [],
  );
});

test('both directions, with the registrar: all of it works with the rights of the chart', async () => {
  await install(everything);
  await isEnough(everything, async () => {
    await toConsulWorks('app-1');
    await fromConsulWorks();
  });
});
