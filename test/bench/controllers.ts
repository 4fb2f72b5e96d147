/** The registrar and the direction to Kubernetes, between a real API server and a real Consul. */
import { startApiServer, type ApiServer } from '../real/harness/api-server.ts';
import { startConsul, type Consul } from '../real/harness/consul.ts';
import { consulCapacity } from './consul-capacity.ts';
import { figure } from './figure.ts';
import { benchIdleControllers } from './idle-controllers.ts';
import {
  benchFirstRegistration,
  benchRegistrarMemory,
  benchRegistrarRestart,
} from './registrar/first-registration.ts';
import {
  benchDeletions,
  benchQuietReadiness,
  benchReplacements,
  loadOf,
  OBSERVED,
} from './registrar/pod-events.ts';
import { NAMESPACE as PODS, OWNER, placePod, samplePod } from './registrar/sample-pods.ts';
import { withScene } from './sync/bench-scene.ts';
import { inParallel } from './sync/in-parallel.ts';
import { syncProcesses, type SyncProcess } from './sync/sync-process.ts';
import { apiCapacity, NAMESPACE as CAPACITY } from './to-k8s/api-capacity.ts';
import { registerServices } from './to-k8s/consul-services.ts';
import { benchHealth, benchNewServices } from './to-k8s/health-to-slice.ts';
import { watchSlices } from './to-k8s/watched-slices.ts';

type Size = {
  readonly pods: number;
  readonly quiet: number;
  readonly churn: number;
  /** Seconds for each look at what Consul takes. */
  readonly capacity: number;
  readonly services: number;
  readonly manyServices: number;
  readonly healthChanges: number;
  readonly idle: number;
};

const FULL: Size = {
  pods: 5000,
  quiet: 50,
  churn: 20,
  capacity: 5,
  services: 36,
  manyServices: 2000,
  healthChanges: 200,
  idle: 60,
};
const SHORT: Size = {
  pods: 120,
  quiet: 3,
  churn: 1,
  capacity: 0.3,
  services: 36,
  manyServices: 60,
  healthChanges: 8,
  idle: 1,
};

// Whoever waits for many instances at a time has a connection for each; Tandem itself stays far below the usual 200.
const OBSERVABLE = { limits: { http_max_conns_per_client: 2000 } };
const WRITE_NAMESPACE = 'from-consul';
const TO_K8S = ['--to-k8s', `--k8s-write-namespace=${WRITE_NAMESPACE}`];

type Parts = {
  readonly api: ApiServer;
  readonly consul: Consul;
  readonly size: Size;
  readonly start: (flags: readonly string[]) => Promise<SyncProcess>;
};

/** @param only the one of the two that is measured; undefined: both, and both in one process */
export async function benchControllers(
  short: boolean,
  only: 'registrar' | 'to-k8s' | undefined,
): Promise<void> {
  await withScene(['etcd', 'kube-apiserver', 'consul'], async (scene) => {
    const [api, consul, startSync] = await Promise.all([
      startApiServer(scene),
      startConsul(scene, { configuration: OBSERVABLE }),
      syncProcesses(scene),
    ]);
    const start = (flags: readonly string[]): Promise<SyncProcess> =>
      startSync({ kubeconfig: api.kubeconfig(), consul: consul.url, flags: [`--owner=${OWNER}`, ...flags] });
    const parts = { api, consul, size: short ? SHORT : FULL, start };
    if (only !== 'to-k8s') await benchRegistrar(parts);
    if (only !== 'registrar') await benchToK8s(parts);
  });
}

// The one at which figures have targets, and one at which a backlog must grow: who is new waits then, and nobody else.
const SHARES = [0.6, 1.2] as const;

async function benchRegistrar({ api, consul, size, start }: Parts): Promise<void> {
  const capacity = await consulCapacity(consul, size.capacity);
  await api.createNamespace(PODS);
  await inParallel(size.pods, 16, (index) => placePod(api, samplePod(index, size.pods)));
  const begin = (): Promise<SyncProcess> => start(['--registrar']);
  const first = await benchFirstRegistration(begin, consul, size.pods);
  const sync = await benchRegistrarRestart(first, begin, consul, size.pods);
  await benchQuietReadiness({ api, consul, sync }, size.pods, size.quiet);
  let from = 0;
  for (const share of SHARES) {
    const load = loadOf(share, capacity);
    // Each pod is replaced once: so many are there.
    const seconds = Math.min(size.churn, (size.pods / 3 - OBSERVED) / load.rate);
    from += await benchReplacements({ api, consul, sync }, size.pods, load, { from, seconds });
  }
  await benchRegistrarMemory(sync, size.pods);
  const alone = loadOf(SHARES[0], capacity);
  const seconds = Math.min(size.churn, size.pods / 4 / alone.rate);
  await benchDeletions({ api, consul, sync }, size.pods, alone, seconds);
  await sync.process.stop();
}

async function benchToK8s({ api, consul, size, start }: Parts): Promise<void> {
  const { services, manyServices, healthChanges, idle } = size;
  await api.createNamespace(WRITE_NAMESPACE);
  const slices = await watchSlices(api, WRITE_NAMESPACE);
  const parts = { consul, slices };
  await registerServices(consul, 0, services);
  const sync = await start([...TO_K8S, '--to-consul=false']);
  await slices.count(services);
  await benchHealth(parts, services, healthChanges);
  await api.createNamespace(CAPACITY);
  const before = await apiCapacity(api, manyServices / 10, `beside ${services} Services`);
  const [rate] = await Promise.all([
    benchNewServices(parts, services, manyServices),
    benchHealth(parts, services, healthChanges / 4, ', while the others come'),
  ]);
  const after = await apiCapacity(api, manyServices / 10, `beside ${manyServices} Services`);
  const plain = 2 / (1 / before + 1 / after);
  const percent = ((rate / plain) * 100).toFixed(0);
  figure(
    'to-k8s: new objects',
    rate,
    '/s',
    `target >= 60 % of a plain loop; ${percent} % of ${Math.round(plain)}`,
  );
  await benchHealth(parts, manyServices, healthChanges);
  await sync.process.stop();
  await benchIdleControllers(() => start([...TO_K8S, '--registrar']), parts, idle);
  await slices.stop();
}
