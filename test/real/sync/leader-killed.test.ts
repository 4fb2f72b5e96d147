/**
 * Three Consul servers, of which the leader is killed while Services, pods and admissions come and go in both directions, and
 * everything that Tandem is runs: webhook, catalog sync, registrar, Consul to Kubernetes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul, type Consul, type ConsulServer } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { converged, population } from '../harness/population.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { startWebhook } from '../harness/webhook.ts';
import { inConsul } from '../registrar/dataplane-pods.ts';
import { placedPods } from '../registrar/placed-pods.ts';
import { NAMESPACE, SLICES, type SliceObject } from '../to-k8s/write-namespace.ts';
import { ask, leaderOf } from './consul-leader.ts';
import { observe, type Look, type Things } from './continuous-look.ts';
import { steadyAdmissions } from './steady-admissions.ts';

const NODE = 'k8s-sync-leaders';
const PODS_NODE = 'k8s-leaders-node-1';
const SERVICES = 40;
// The churn changes the fourth endpoint of a Service.
const LASTING_ENDPOINTS = 3;
const LASTING_PODS = 10;
const OUTSIDE = 10;
// What the webhook configuration says: after it the API server refuses the pod.
const ADMISSION_TIMEOUT = 5000;

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, { servers: 3 })]);
await Promise.all([api.createNamespace('mesh'), api.createNamespace(NAMESPACE)]);
await startWebhook(scene, api, 'mesh', ['--proxy-mode=dataplane', '--owner=leaders']);
const shops = population(clusterObjects(api));
const pods = placedPods(api, 'mesh');
const addresses = consul.servers.map(({ ports }) => `127.0.0.1:${ports.http}`).join(',');
const sync = await startTandemSync(scene, api, { url: addresses }, [
  '--owner=leaders',
  '--registrar',
  '--to-k8s',
  `--k8s-write-namespace=${NAMESPACE}`,
]);

const lastingPods = Array.from({ length: LASTING_PODS }, (_, index) => `lasting-${index}`);
const livePods = new Set<string>();
const table = [
  '| kill | ms until a leader | first write | end of the churn | all converged | worst admission | looks |',
];

/** A service of Consul that Tandem has not made, with one instance. */
async function outside(server: ConsulServer, index: number, address: string): Promise<void> {
  const name = `outside-${index}`;
  const Service = { ID: `${name}-${address}`, Service: name, Address: address, Port: 8080 };
  await ask(server, '/v1/catalog/register', { Node: 'machine', Address: '10.255.0.1', Service });
}

async function slicesOf(index: number): Promise<readonly SliceObject[]> {
  const selector = encodeURIComponent(`kubernetes.io/service-name=outside-${index}`);
  const list = await api.admin.expect('GET', `${SLICES}?labelSelector=${selector}`);
  return (list as unknown as { readonly items: readonly SliceObject[] }).items;
}

async function inSlices(index: number, expected: readonly string[]): Promise<void> {
  await eventually(`slices of outside-${index}`, async () => {
    const found = (await slicesOf(index)).flatMap(({ endpoints }) =>
      endpoints.flatMap((each) => each.addresses),
    );
    assert.deepEqual(found.toSorted(), expected.toSorted());
  });
}

/** Pods come and go on the node of those that stay, until the answer is called. */
function podChurn(round: number): () => Promise<void> {
  const ending = new AbortController();
  const run = async (): Promise<void> => {
    for (let index = 0; !ending.signal.aborted; index += 1) {
      const name = `passing-${round}-${index}`;
      await pods.create(name);
      livePods.add(name);
      const oldest = [...livePods].find((each) => !lastingPods.includes(each)) ?? '';
      if (livePods.size > LASTING_PODS + 3) {
        await pods.remove(oldest);
        livePods.delete(oldest);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const running = run();
  return () => {
    ending.abort();
    return running;
  };
}

type Instance = {
  readonly ID: string;
  readonly Service: string;
  readonly Address: string;
  readonly CreateIndex: number;
};

/** What this server has, without asking a leader, of the instances that stay. */
function lastingAt(server: ConsulServer): Look {
  const on = async (node: string, stays: (instance: Instance) => boolean): Promise<[string, number][]> => {
    const path = `/v1/catalog/node-services/${node}?stale`;
    const { Services } = (await ask(server, path)) as { readonly Services: readonly Instance[] | null };
    return (Services ?? []).filter(stays).map(({ ID, CreateIndex }) => [ID, CreateIndex]);
  };
  const isLastingPod = ({ ID }: Instance): boolean => ID.startsWith('mesh.lasting-');
  const isLastingEndpoint = ({ Address }: Instance): boolean =>
    Number(Address.split('.')[3]) <= LASTING_ENDPOINTS;
  return {
    at: server.node,
    // What goes and comes back between two looks is made anew, which the next one sees.
    pause: 150,
    take: async (): Promise<Things> =>
      new Map((await Promise.all([on(NODE, isLastingEndpoint), on(PODS_NODE, isLastingPod)])).flat()),
  };
}

const lastingSlices: Look = {
  at: 'the API server',
  // A slice is patched in place: an address that goes and comes back between two looks is not seen.
  pause: 50,
  take: async () => {
    const list = await api.admin.expect('GET', SLICES);
    const { items } = list as unknown as { readonly items: readonly SliceObject[] };
    return new Map(
      items.flatMap(({ metadata, endpoints }) =>
        endpoints
          .flatMap((each) => each.addresses)
          .filter((address) => address.startsWith('10.90.0.'))
          .map((address): [string, string] => [`${metadata.name} ${address}`, metadata.uid ?? '']),
      ),
    );
  },
};

async function allConverged(server: ConsulServer, slices: readonly string[]): Promise<void> {
  const call: Consul['call'] = (_method, path) => ask(server, path);
  await Promise.all([
    converged({ call }, NODE, shops),
    inConsul(
      { ...consul, call },
      'app',
      [...livePods].map((name) => `mesh.${name}.app passing`),
    ),
    inSlices(0, slices),
  ]);
}

/** Resolves when a write of Tandem is there that was not when the new leader was elected. */
async function firstWrite(leader: ConsulServer): Promise<void> {
  const newest = async (): Promise<number> => {
    const { Services } = (await ask(leader, `/v1/catalog/node-services/${NODE}?consistent`)) as {
      readonly Services: readonly { readonly ModifyIndex: number }[];
    };
    return Math.max(...Services.map(({ ModifyIndex }) => ModifyIndex));
  };
  const before = await eventually('a consistent read', newest);
  await eventually('a write', async () => assert.ok((await newest()) > before));
}

async function killLeader(round: number): Promise<ConsulServer> {
  const leader = await leaderOf(consul.servers);
  const others = consul.servers.filter((server) => server !== leader);
  const slices = ['10.90.0.0', ...Array.from({ length: round - 1 }, (_, index) => `10.91.0.${index + 1}`)];
  const observation = await observe([...others.map(lastingAt), lastingSlices]);
  const admissions = steadyAdmissions(api, 'mesh');
  const stops = [shops.churn(), podChurn(round)];
  await new Promise((resolve) => setTimeout(resolve, 1000));

  const killed = performance.now();
  const since = (): number => Math.round(performance.now() - killed);
  await leader.process().stop('SIGKILL');
  const next = await leaderOf(others);
  const elected = since();
  await firstWrite(next);
  const written = since();
  await outside(next, 0, `10.91.0.${round}`);
  await Promise.all(stops.map((stop) => stop()));
  const churned = since();
  await allConverged(next, [...slices, `10.91.0.${round}`]);
  const settled = since();

  const { times, refusals } = await admissions.end();
  const { losses, looks } = await observation.end();
  assert.deepEqual(losses, []);
  assert.deepEqual(refusals, []);
  const worst = Math.round(Math.max(...times));
  assert.ok(worst < ADMISSION_TIMEOUT, `${worst} ms`);
  assert.ok(times.length > 20 && looks > 20, `${times.length} admissions, ${looks} looks`);
  table.push(
    `| ${round} | ${elected} | ${written} | ${churned} | ${settled} | ${worst} of ${times.length} | ${looks} |`,
  );
  return leader;
}

test('everything is there before', async () => {
  await shops.create(SERVICES, LASTING_ENDPOINTS);
  for (const name of lastingPods) {
    await pods.create(name);
    livePods.add(name);
  }
  const leader = await leaderOf(consul.servers);
  for (let index = 0; index < OUTSIDE; index += 1) await outside(leader, index, `10.90.0.${index}`);
  await allConverged(leader, ['10.90.0.0']);
  for (let index = 0; index < OUTSIDE; index += 1) await inSlices(index, [`10.90.0.${index}`]);
  for (const server of consul.servers)
    await eventually(`all at ${server.node}`, async () => {
      const { size } = await lastingAt(server).take();
      assert.equal(size, SERVICES * LASTING_ENDPOINTS + LASTING_PODS * 2);
    });
});

test('the leader is killed, comes back, and the next one is killed: nothing is lost, and no pod waits', async (context) => {
  const first = await killLeader(1);
  await first.start();
  await leaderOf(consul.servers);
  await eventually('the old leader has caught up', async () => {
    const at = await Promise.all(consul.servers.map((server) => lastingAt(server).take()));
    for (const each of at) assert.deepEqual(each, at[0]);
  });
  await killLeader(2);
  assert.ok((await sync.status()).process.leader);
  for (const row of table) context.diagnostic(row);
});
