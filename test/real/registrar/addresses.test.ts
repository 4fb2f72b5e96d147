/** Cluster addresses of redirected pods in a real Consul, in both modes: each is of one service at every moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { asString, property } from '../../../src/support/json.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsulAgent } from '../harness/consul-agent.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startFaultProxy, type FaultProxy } from '../harness/fault-proxy.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { placedPods } from './placed-pods.ts';

const PODS = 20;
const TRIES = 4;
const LOOK_MILLISECONDS = 50;
const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const agent = await startConsulAgent(scene, consul, 'node-1');
const toApi = await startFaultProxy(scene, Number(new URL(api.url).port));
const toConsul = await startFaultProxy(scene, consul.ports.http);
const start = () =>
  startTandemSync(
    scene,
    { kubeconfig: () => api.kubeconfig(undefined, `https://127.0.0.1:${toApi.port}`) },
    { url: `http://127.0.0.1:${toConsul.port}` },
    ['--registrar', '--owner=cluster1', '--service-names=container', `--agent-http-port=${agent.ports.http}`],
  );
const nodes = clusterObjects(api);
for (const node of ['node-1', 'node-2']) await nodes.node(node, { InternalIP: '127.0.0.1' });
const modes = { dataplane: ['--proxy-mode=dataplane'], agents: [] };
for (const [namespace, flags] of Object.entries(modes)) {
  await api.createNamespace(namespace);
  await startWebhook(scene, api, namespace, [...flags, '--transparent-proxy', '--owner=cluster1']);
}

async function place(namespace: string, name: string, service: string, node = 'node-1'): Promise<void> {
  await placedPods(api, namespace).create(name, {
    node,
    hostIp: '127.0.0.1',
    isInitialized: true,
    annotations: { 'connect-service': service },
    labels: { app: service },
  });
}

const servicePath = (namespace: string, name = ''): string =>
  `/api/v1/namespaces/${namespace}/services/${name}`;
const serve = (namespace: string, name: string, clusterIP: string, app = name): Promise<unknown> =>
  api.admin.expect('POST', servicePath(namespace), {
    metadata: { name },
    spec: { clusterIP, selector: { app }, ports: [{ port: 80, targetPort: 8080 }] },
  });
const unserve = (namespace: string, name: string): Promise<unknown> =>
  api.admin.expect('DELETE', servicePath(namespace, name));

/** `<instance> <address>` of the proxies of a service that have one. */
async function addressesOf(service: string): Promise<readonly string[]> {
  const found = (await consul.call('GET', `/v1/catalog/connect/${service}?consistent`)) as readonly unknown[];
  return found.flatMap((each) => {
    const virtual = property(property(each, 'ServiceTaggedAddresses'), 'virtual');
    const address = asString(property(virtual, 'Address'));
    return address === undefined ? [] : [`${String(property(each, 'ServiceID'))} ${address}`];
  });
}

async function have(service: string, count: number, address: string): Promise<void> {
  await eventually(`${count} instances of ${service} have ${address}`, async () => {
    const found = await addressesOf(service);
    assert.deepEqual([found.length, found.every((each) => each.endsWith(` ${address}`))], [count, true]);
  });
}

/** Whoever lost the address lost it before anybody of the other service got it: Consul counts its writes. */
async function lostFirst(loser: string, winner: string): Promise<void> {
  const [lost = [], won = []] = await Promise.all(
    [loser, winner].map(async (service) => {
      const path = `/v1/catalog/connect/${service}?consistent`;
      const found = (await consul.call('GET', path)) as readonly { readonly ModifyIndex: number }[];
      return found.map(({ ModifyIndex }) => ModifyIndex);
    }),
  );
  assert.ok(Math.max(...lost) < Math.min(...won), `${loser}: ${lost.join()}; ${winner}: ${won.join()}`);
}

/** Looks at all proxies in one transaction after another, and gives each moment at which two services had an address. */
async function clashesUntil(moved: Promise<unknown>): Promise<readonly string[]> {
  const ids = (await Promise.all(['api', 'web'].map(proxiesOf))).flat();
  const operations = ids.map(([Node, ID]) => ({ Service: { Verb: 'get', Node, Service: { ID } } }));
  const clashes: string[] = [];
  const over = new AbortController();
  const seen = new Set<string>();
  void moved.finally(() => over.abort()).catch(() => undefined);
  while (!over.signal.aborted) {
    const answer = await consul.call('PUT', '/v1/txn', operations);
    const results = property(answer, 'Results') as readonly unknown[];
    const held = results.flatMap((result) => {
      const service = property(result, 'Service');
      const address = property(property(property(service, 'TaggedAddresses'), 'virtual'), 'Address');
      return address === undefined ? [] : [String(property(service, 'Service'))];
    });
    if (new Set(held).size > 1) clashes.push(held.join());
    held.forEach((name) => seen.add(name));
    await delay(LOOK_MILLISECONDS);
  }
  await moved;
  assert.deepEqual([...seen].toSorted(), ['api-sidecar-proxy', 'web-sidecar-proxy']);
  return clashes;
}

async function proxiesOf(service: string): Promise<readonly (readonly [node: string, id: string])[]> {
  const found = (await consul.call('GET', `/v1/catalog/connect/${service}`)) as readonly unknown[];
  return found.map((each) => [String(property(each, 'Node')), String(property(each, 'ServiceID'))]);
}

const SHARED = '10.96.7.7';
let sync = await start();

test('pods have the address of their Service, in both modes', async () => {
  await serve('dataplane', 'api', SHARED);
  for (let n = 0; n < PODS; n += 1) {
    await place('dataplane', `api-${n}`, 'api', `node-${(n % 2) + 1}`);
    await place('agents', `web-${n}`, 'web');
  }
  await serve('agents', 'web', '10.96.7.8');
  await have('api', PODS, SHARED);
  await have('web', PODS, '10.96.7.8');
});

test('an address that goes to another service is of one at every moment, there and back', async () => {
  await unserve('agents', 'web');
  await have('web', 0, '');
  const thereAndBack = async (): Promise<void> => {
    await unserve('dataplane', 'api');
    await serve('agents', 'web', SHARED);
    await have('web', PODS, SHARED);
    await have('api', 0, '');
    await lostFirst('api', 'web');
    await unserve('agents', 'web');
    await serve('dataplane', 'api', SHARED);
    await have('api', PODS, SHARED);
    await lostFirst('web', 'api');
  };
  assert.deepEqual(await clashesUntil(thereAndBack()), []);
});

async function everything(): Promise<string> {
  const both = ['api', 'web'].map((name) => consul.call('GET', `/v1/catalog/connect/${name}?consistent`));
  return JSON.stringify(await Promise.all(both));
}

test('a restart writes nothing', async () => {
  const before = await everything();
  await sync.process.stop();
  sync = await start();
  await eventually('everything was compared', async () => {
    for (const name of ['registrar', 'agents'] as const)
      assert.notEqual((await sync.controller(name))?.lastSuccess, undefined);
  });
  assert.equal(await everything(), before);
});

/** Waits until Tandem has tried to connect so many times. */
async function refused(proxy: FaultProxy, tries: number): Promise<void> {
  const before = proxy.connections();
  await eventually('new connections', async () => assert.ok(proxy.connections() >= before + tries));
}

for (const [side, proxy] of [
  ['the API server', toApi],
  ['Consul', toConsul],
] as const)
  test(`an address that moves while ${side} is away stays where it is, and moves once it is back`, async () => {
    const before = await everything();
    proxy.set({ kind: 'refuse' });
    await unserve('dataplane', 'api');
    await serve('agents', 'web', SHARED);
    await refused(proxy, TRIES);
    assert.equal(await everything(), before);
    const back = async (): Promise<void> => {
      proxy.set({ kind: 'none' });
      await have('web', PODS, SHARED);
      await have('api', 0, '');
      await lostFirst('api', 'web');
      await unserve('agents', 'web');
      await serve('dataplane', 'api', SHARED);
      await have('api', PODS, SHARED);
      await lostFirst('web', 'api');
    };
    assert.deepEqual(await clashesUntil(back()), []);
  });

test('an agent that lost its state gets its proxies back with their address', async () => {
  await serve('agents', 'web', '10.96.7.9');
  await have('web', PODS, '10.96.7.9');
  await agent.startAnew();
  await have('web', PODS, '10.96.7.9');
});

test('an address that somebody else has in Consul is not taken, and an Event says who has it', async () => {
  await consul.call('PUT', '/v1/catalog/register', {
    Node: 'elsewhere',
    Address: '10.9.9.9',
    Service: {
      Kind: 'connect-proxy',
      ID: 'old-proxy',
      Service: 'old-sidecar-proxy',
      Port: 20_000,
      TaggedAddresses: { virtual: { Address: '10.96.7.10', Port: 80 } },
      Proxy: { DestinationServiceName: 'old' },
    },
  });
  await serve('dataplane', 'old', '10.96.7.10', 'new');
  await place('dataplane', 'new-0', 'new');
  await eventually('the Event', async () => {
    const path = '/api/v1/namespaces/dataplane/events?fieldSelector=reason=AddressTaken';
    const items = property(await api.admin.expect('GET', path), 'items') as readonly unknown[];
    assert.match(String(property(items[0], 'message')), /"old" \("old-proxy" on node "elsewhere"\)/);
  });
  assert.deepEqual(await addressesOf('new'), []);
  assert.deepEqual(await addressesOf('old'), ['old-proxy 10.96.7.10']);
});
