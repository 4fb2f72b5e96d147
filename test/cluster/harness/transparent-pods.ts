/** Pods that know each other by a Kubernetes Service and nothing else. */
import assert from 'node:assert/strict';
import { at } from '../../real/harness/chart.ts';
import { MERGE_PATCH } from '../../real/harness/api-client.ts';
import { eventually } from '../../real/harness/eventually.ts';
import { createDeployment } from './app-pod.ts';
import type { Cluster } from './cluster.ts';
import { podsOf } from './list.ts';
import { PRIVILEGED } from './namespaces.ts';
import { allReady, podsReady } from './ready.ts';
import { CHART, RELEASE } from './release.ts';
import { createRelay, type Relay } from './relay.ts';

/** A client in the mesh that knows a Service, and somebody outside who is refused there. */
type TransparentPods = { readonly client: Relay; readonly prove: () => Promise<void> };

/**
 * Through the mesh by the name of the Service; plain calls are refused. In a namespace that has the apps.
 *
 * @param way by which their traffic is redirected, by the default of the release
 */
export async function proveTransparentPods(
  cluster: Cluster,
  namespace: string,
  way: 'node' | 'init' = 'node',
): Promise<TransparentPods> {
  const name = `by-${way}`;
  const metadata = { name };
  const spec = { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] };
  await cluster.api.expect('POST', `/api/v1/namespaces/${namespace}/services`, { metadata, spec });
  // Transparent by the default of the chart.
  await createDeployment(cluster, namespace, name, {
    app: 'web-server.ts',
    args: [name, '8080'],
    port: 8080,
    annotations: {},
  });
  // The test asks it at its own port.
  const asked = { 'transparent-proxy': 'true', 'transparent-proxy-exclude-inbound-ports': '8080' };
  const client = await createRelay(cluster, namespace, `client-${name}`, asked);
  const stranger = await createRelay(cluster, namespace, `stranger-${name}`);
  await Promise.all([
    allReady(cluster, namespace),
    podsReady(cluster, namespace, [client.name, stranger.name]),
  ]);
  const url = `http://${name}.${namespace}/`;
  const prove = async (): Promise<void> => {
    await eventually('an answer by the Service', () => client.get(url));
    await assert.rejects(stranger.get(url));
  };
  await prove();
  const [pod] = await podsOf(cluster.api, namespace, `app=${name}`);
  const [first] = at(pod, 'spec', 'initContainers') as readonly object[];
  const added = at(first, 'securityContext', 'capabilities', 'add');
  assert.deepEqual(added, way === 'init' ? ['NET_ADMIN'] : undefined);
  return { client, prove };
}

/** The release as it is, but that pods write their rules themselves, in a namespace that lets them. */
export async function redirectByInit(cluster: Cluster, namespace: string): Promise<void> {
  const { api, helm } = cluster;
  const webhooks = async (): Promise<readonly string[]> =>
    (await podsOf(api, RELEASE, 'app.kubernetes.io/component=webhook')).map(
      ({ metadata }) => metadata.uid ?? '',
    );
  const old = new Set(await webhooks());
  const flags = ['--reuse-values', '--set=connectInject.transparentProxy.redirection=init'];
  await helm(['upgrade', RELEASE, CHART, `--namespace=${RELEASE}`, ...flags]);
  await api.expect(
    'PATCH',
    `/api/v1/namespaces/${namespace}`,
    { metadata: { labels: PRIVILEGED } },
    MERGE_PATCH,
  );
  await allReady(cluster, RELEASE);
  // An old replica goes on answering the API server until it is gone.
  await eventually('the end of the old webhook', async () =>
    assert.deepEqual(
      (await webhooks()).filter((uid) => old.has(uid)),
      [],
    ),
  );
}
