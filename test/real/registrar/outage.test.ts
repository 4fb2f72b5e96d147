/** Either side away for 20 s in the middle of churn, with the registrar and Consul → Kubernetes in one process. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../harness/eventually.ts';
import { startFaultProxy, type FaultProxy } from '../harness/fault-proxy.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { NAMESPACE, SLICES, startToK8sScene, type SliceObject } from '../to-k8s/write-namespace.ts';
import { readinessOf } from './dataplane-pods.ts';
import { placedPods } from './placed-pods.ts';

// Longer than a Lease lives: whoever led has to lead again.
const OUTAGE_MILLISECONDS = 20_000;
// Of each: two a second come and go, so that an outage hides 40 changes.
const STEP_MILLISECONDS = 500;
const KEPT = Array.from({ length: 10 }, (_, index) => `kept-${index}`);

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, deregister } = await startToK8sScene(scene);
const toConsul = await startFaultProxy(scene, consul.ports.http);
const toApi = await startFaultProxy(scene, Number(new URL(api.url).port));
await api.createNamespace('mesh');
await startWebhook(scene, api, 'mesh', ['--proxy-mode=dataplane', '--owner=cluster1']);
const pods = placedPods(api, 'mesh');
await startTandemSync(
  scene,
  { kubeconfig: () => api.kubeconfig(undefined, `https://127.0.0.1:${toApi.port}`) },
  { url: `http://127.0.0.1:${toConsul.port}` },
  [
    '--registrar',
    '--to-k8s',
    `--k8s-write-namespace=${NAMESPACE}`,
    '--owner=cluster1',
    '--to-k8s-services=far*',
  ],
);

/** What shall be: pods in Consul, and addresses of `far` in Kubernetes. */
const running = new Set<string>();
const far = new Set<string>();
let made = 0;

async function step(): Promise<void> {
  made += 1;
  const pod = `app-${made}`;
  const address = `10.50.${made >> 8}.${made & 255}`;
  await Promise.all([pods.create(pod), register('far', [{ address }])]);
  running.add(pod);
  far.add(address);
  const oldest = [...running].find((name) => !KEPT.includes(name));
  if (running.size <= KEPT.length + 5 || oldest === undefined) return;
  const [first = ''] = [...far].slice(1);
  await Promise.all([pods.remove(oldest), deregister('far', { address: first })]);
  running.delete(oldest);
  far.delete(first);
}

const idsInConsul = async (): Promise<readonly string[]> =>
  (await readinessOf(consul, 'app')).map(({ ServiceID, Status }) => `${ServiceID} ${Status}`);

async function addressesOfFar(): Promise<readonly string[]> {
  const selector = encodeURIComponent('kubernetes.io/service-name=far');
  const { items } = (await api.admin.expect('GET', `${SLICES}?labelSelector=${selector}`)) as unknown as {
    readonly items: readonly SliceObject[];
  };
  return items.flatMap(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses));
}

const equal = async (): Promise<void> => {
  assert.deepEqual(
    (await idsInConsul()).toSorted(),
    [...running].map((name) => `mesh.${name}.app passing`).toSorted(),
  );
  assert.deepEqual((await addressesOfFar()).toSorted(), [...far].toSorted());
};

/** What never goes, and was not there at some moment. */
const missed = new Set<string>();
const ending = new AbortController();
async function look(): Promise<void> {
  while (!ending.signal.aborted) {
    const [ids, addresses] = await Promise.all([idsInConsul(), addressesOfFar()]);
    for (const name of KEPT) if (!ids.includes(`mesh.${name}.app passing`)) missed.add(name);
    if (!addresses.includes('10.50.0.0')) missed.add('10.50.0.0');
    await delay(400);
  }
}

async function survives(context: TestContext, proxy: FaultProxy): Promise<void> {
  proxy.set({ kind: 'refuse' });
  proxy.cut();
  const end = performance.now() + OUTAGE_MILLISECONDS;
  while (performance.now() < end) {
    await step();
    await delay(STEP_MILLISECONDS);
  }
  proxy.set({ kind: 'none' });
  const over = performance.now();
  await eventually('both sides agree', equal);
  context.diagnostic(`converged ${Math.round(performance.now() - over)} ms after the end of the outage`);
  assert.deepEqual([...missed], []);
}

let looking: Promise<void>;
test('before the outages', async () => {
  for (const name of KEPT) {
    await pods.create(name);
    running.add(name);
  }
  await register('far', [{ address: '10.50.0.0' }]);
  far.add('10.50.0.0');
  await eventually('both sides agree', equal);
  looking = look();
});

test('Consul away for 20 s', (context) => survives(context, toConsul));

test('the API server away for 20 s', (context) => survives(context, toApi));

test('what was to stay was there all the time', async () => {
  ending.abort();
  await looking;
  assert.deepEqual([...missed], []);
});
