/** The network between Tandem and its two sides, and the API server, do what they do on bad days. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startFaultProxy, type Fault, type FaultProxy } from '../harness/fault-proxy.ts';
import { converged, instancesOn, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const NODE = 'k8s-sync-network';
const SERVICES = 40;

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const toConsul = await startFaultProxy(scene, consul.ports.http);
const toApi = await startFaultProxy(scene, Number(new URL(api.url).port));
const shops = population(clusterObjects(api));
const sync = await startTandemSync(
  scene,
  { kubeconfig: () => api.kubeconfig(undefined, `https://127.0.0.1:${toApi.port}`) },
  { url: `http://127.0.0.1:${toConsul.port}` },
  ['--owner=network'],
);

/** No Service ever loses all of its instances here, so that whoever loses one has lost it wrongly. */
const emptied = new Set<string>();
let isWatching = false;
const ending = new AbortController();
const watching = lookUntil(ending.signal);

async function lookUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const lines = await instancesOn(consul, NODE);
    const present = new Set(lines.map((line) => line.split(' ')[0]));
    if (isWatching) for (const name of shops.names()) if (!present.has(name)) emptied.add(name);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Everything changes while the fault lasts; when it is over, Consul has all of it, and had no Service without an instance. */
async function survives(context: TestContext, fault: () => Promise<unknown>): Promise<void> {
  const stop = shops.churn();
  await fault();
  const over = performance.now();
  await stop();
  await converged(consul, NODE, shops);
  context.diagnostic(`converged ${Math.round(performance.now() - over)} ms after the end of the fault`);
  assert.deepEqual([...emptied], []);
}

const during = async (proxy: FaultProxy, fault: Fault, milliseconds: number): Promise<void> => {
  proxy.set(fault);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  proxy.set({ kind: 'none' });
};

test('before the faults', async () => {
  await shops.create(SERVICES, 3);
  await converged(consul, NODE, shops);
  isWatching = true;
});

for (const [side, proxy] of [
  ['Consul', toConsul],
  ['the API server', toApi],
] as const) {
  test(`connections to ${side} are reset again and again`, async (context) => {
    await survives(context, async () => {
      for (let round = 0; round < 10; round += 1) {
        proxy.cut();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
  });

  test(`connections to ${side} are refused`, (context) =>
    survives(context, () => during(proxy, { kind: 'refuse' }, 1500)));

  test(`answers of ${side} end in the middle`, (context) =>
    survives(context, async () => {
      for (const bytes of [0, 10, 500, 5000]) {
        proxy.cut();
        await during(proxy, { kind: 'truncate', bytes }, 400);
      }
    }));

  test(`the way to ${side} is slow`, (context) =>
    survives(context, () => during(proxy, { kind: 'delay', milliseconds: 300 }, 1500)));

  test(`nothing gets through to ${side} or back for a while`, (context) =>
    survives(context, () => during(proxy, { kind: 'hold' }, 2000)));

  test(`the way to ${side} is a black hole whose connections are reset at its end`, (context) =>
    survives(context, async () => {
      await during(proxy, { kind: 'hold' }, 2000);
      proxy.cut();
    }));
}

test('the API server is killed and comes back', (context) => survives(context, () => api.restart('SIGKILL')));

test('versions that etcd has forgotten lead to a new list', async (context) => {
  toApi.set({ kind: 'refuse' });
  await shops.change('shop-1', 4);
  const { header } = (await etcd('kv/range', { key: base64('/') })) as { header: { revision: string } };
  await etcd('kv/compaction', { revision: header.revision, physical: true });
  // The API server keeps a window of its own, which goes with it.
  await survives(context, async () => {
    await api.restart();
    toApi.set({ kind: 'none' });
  });
});

test('after all of it nothing is wrong, and what was wrong was told', async () => {
  await eventually('no failure after the last success', async () => {
    const { lastFailure, lastSuccess = '' } = (await sync.controller('to-consul')) ?? assert.fail();
    assert.ok(lastFailure !== undefined && lastFailure.at < lastSuccess);
  });
  const metrics = await sync.metrics();
  assert.match(metrics, /tandem_sync_failures_total\{code="TANDEM_CONSUL_UNREACHABLE"\} [1-9]/);
  assert.match(
    metrics,
    /tandem_kubernetes_watch_restarts_total\{kind="endpointslices",cause="reset"\} [1-9]/,
  );
  assert.ok(toConsul.connections() < 1000, `${toConsul.connections()} connections`);
  assert.deepEqual(await instancesOn(consul, NODE), shops.expected());
  ending.abort();
  await watching;
});

async function etcd(path: string, body: object): Promise<unknown> {
  const response = await fetch(`${api.etcd}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return response.json();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
