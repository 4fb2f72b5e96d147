/** `tandem sync` between a real API server and a real Consul. */
import { startApiServer, type ApiServer } from '../real/harness/api-server.ts';
import { startConsul } from '../real/harness/consul.ts';
import { consulCapacity } from './consul-capacity.ts';
import { slowed } from './slowed.ts';
import { withScene } from './sync/bench-scene.ts';
import { benchChurn, benchQuietChange } from './sync/event-to-commit.ts';
import { benchFirstSync, benchIdle, benchRestart } from './sync/first-sync.ts';
import { inParallel } from './sync/in-parallel.ts';
import { benchLargeCluster } from './sync/large-cluster.ts';
import { sampleService, sampleSlice } from './sync/sample-services.ts';
import { syncProcesses } from './sync/sync-process.ts';

// The one at which figures have targets, and one at which a backlog must grow: what is new waits then, and nothing else.
const SHARES = [0.6, 1.2];

const SIZES = {
  full: { services: 1000, idle: 60, quiet: 100, churn: 30, capacity: 5 },
  short: { services: 60, idle: 1, quiet: 3, churn: 1, capacity: 0.3 },
};

// With ten endpoints each: the 100,000 that must fit in a gigabyte.
const LARGE = 10_000;

export async function benchSync(short: boolean): Promise<void> {
  const size = short ? SIZES.short : SIZES.full;
  await withScene(['etcd', 'kube-apiserver', 'consul'], async (scene) => {
    const [api, consul, startSync] = await Promise.all([
      startApiServer(scene),
      startConsul(scene),
      syncProcesses(scene),
    ]);
    await fill(api, size.services);
    const target = { kubeconfig: api.kubeconfig(), consul: consul.url };
    const first = await benchFirstSync(() => startSync(target), consul, size.services);
    const sync = await benchRestart(first, () => startSync(target));
    await benchIdle(sync, consul, size.idle);
    await benchQuietChange({ api, consul, sync }, size.quiet);
    // On a slow machine, so that the rest of this one keeps up with what Consul takes.
    const resume = slowed(consul.process().pid);
    scene.atEnd(resume);
    const capacity = await consulCapacity(consul, size.capacity);
    for (const share of SHARES)
      await benchChurn({ api, consul, sync }, { ...size, capacity, share, seconds: size.churn });
    resume();
    await sync.process.stop();
    if (!short) await benchLargeCluster(scene, startSync, LARGE);
  });
}

async function fill(api: ApiServer, services: number): Promise<void> {
  await inParallel(services, 16, async (index) => {
    await api.admin.expect('POST', '/api/v1/namespaces/default/services', sampleService(index));
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    await api.admin.expect('POST', slices, sampleSlice(index, true));
  });
}
