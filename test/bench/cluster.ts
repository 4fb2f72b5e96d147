/** A real cluster with the chart on it: `KUBECONFIG=… npm run bench -- --only=cluster`, of `npm run cluster` or any other. */
import { putApps } from '../cluster/harness/app-pod.ts';
import { openCluster, type Cluster } from '../cluster/harness/cluster.ts';
import { isReady, podsOf } from '../cluster/harness/list.ts';
import { allReady } from '../cluster/harness/ready.ts';
import { makeNamespace } from '../cluster/harness/namespaces.ts';
import { CHART, installRelease, RELEASE, withValues } from '../cluster/harness/release.ts';
import { clusterFigures, FULL, SHORT } from '../cluster/load/figures.ts';
import { eventually } from '../real/harness/eventually.ts';
import { figure } from './figure.ts';

const NAMESPACE = 'tandem-bench';

export async function benchCluster(short: boolean): Promise<void> {
  const cluster = await openCluster();
  const values = { server: { replicas: 1 } };
  const release = await installRelease(cluster, values);
  try {
    figure('cluster: helm install to all Ready', release.seconds, 's', '');
    await makeNamespace(cluster, NAMESPACE);
    await putApps(cluster, NAMESPACE);
    for (const proxyMode of ['agent', 'dataplane'] as const) {
      await withValues(cluster, { ...values, connectInject: { proxyMode } }, ['upgrade', RELEASE, CHART]);
      await settled(cluster);
      const figures = await clusterFigures(cluster, NAMESPACE, proxyMode, short ? SHORT : FULL);
      for (const { name, value, unit, note } of figures) figure(`cluster: ${name}`, value, unit, note);
    }
  } finally {
    await release.uninstall([NAMESPACE]);
    cluster.api.close();
  }
}

/** A webhook that is replaced answers on for its shutdown delay, in the mode that it had. */
async function settled(cluster: Cluster): Promise<void> {
  await allReady(cluster, RELEASE);
  await eventually('the end of the pods that were replaced', async () => {
    const going = (await podsOf(cluster.api, RELEASE)).filter((pod) => !isReady(pod));
    if (going.length > 0) throw new Error(going.map(({ metadata }) => metadata.name).join(', '));
  });
}
