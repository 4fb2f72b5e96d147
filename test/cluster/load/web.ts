/** An application in the mesh, a replica on each of two nodes, of which one may go at any time. */
import { eventually } from '../../real/harness/eventually.ts';
import { createDeployment, type App } from '../harness/app-pod.ts';
import type { Cluster } from '../harness/cluster.ts';
import { podsOf, type Pod } from '../harness/list.ts';
import { allReady } from '../harness/ready.ts';
import { instancesOf, type Ask } from './catalog.ts';

const PORT = 8080;
const labels = { app: 'web' };

/** Names under which it is in Consul: in the mesh, its sidecar, and the Service that the sync registers. */
export function namesOfWeb(namespace: string): readonly string[] {
  return ['web', 'web-sidecar-proxy', `web-${namespace}`];
}

/**
 * Service, disruption budget and Deployment; resolves when every instance passes.
 *
 * @param annotations as of `App`
 */
export async function startWeb(
  cluster: Cluster,
  namespace: string,
  consul: Ask,
  annotations: App['annotations'] = {},
): Promise<void> {
  const { api } = cluster;
  await api.expect('POST', `/api/v1/namespaces/${namespace}/services`, {
    metadata: { name: 'web' },
    spec: { selector: labels, ports: [{ port: 80, targetPort: PORT }] },
  });
  await api.expect('POST', `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
    metadata: { name: 'web' },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  });
  await createDeployment(cluster, namespace, 'web', {
    replicas: 2,
    app: 'web-server.ts',
    args: ['web', String(PORT)],
    port: PORT,
    annotations,
  });
  await allReady(cluster, namespace);
  await allPass(consul, namespace, 2);
}

export async function webPods({ api }: Cluster, namespace: string): Promise<readonly Pod[]> {
  return (await podsOf(api, namespace, 'app=web')).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
}

/** Names of those that answer the API server, which is not in the mesh. */
export async function plainlyReached(cluster: Cluster, namespace: string): Promise<readonly string[]> {
  const names = (await webPods(cluster, namespace)).map(({ metadata }) => metadata.name);
  const ask = (name: string): string => `/api/v1/namespaces/${namespace}/pods/${name}:${PORT}/proxy/`;
  const answers = await Promise.all(names.map((name) => cluster.api.request('GET', ask(name))));
  return names.filter((_name, index) => answers[index]?.status === 200);
}

/** Resolves when each name has so many instances, all passing. */
export async function allPass(consul: Ask, namespace: string, count: number): Promise<void> {
  await eventually(`${count} instances of ${namesOfWeb(namespace).join(', ')}`, async () => {
    for (const name of namesOfWeb(namespace)) {
      const found = await instancesOf(consul, name);
      if (found.length !== count || !found.every(({ passing }) => passing))
        throw new Error(`${name}: ${JSON.stringify(found)}`);
    }
  });
}
