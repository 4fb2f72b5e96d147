/** Pods that know each other by a Kubernetes Service and nothing else. */
import assert from 'node:assert/strict';
import { eventually } from '../../real/harness/eventually.ts';
import { createDeployment } from './app-pod.ts';
import type { Cluster } from './cluster.ts';
import { allReady, podsReady } from './ready.ts';
import { createRelay } from './relay.ts';

const NAME = 'by-service';

/** Through the mesh by the name of the Service; plain calls are refused. In a namespace that has the apps. */
export async function proveTransparentPods(cluster: Cluster, namespace: string): Promise<void> {
  const metadata = { name: NAME };
  const spec = { selector: { app: NAME }, ports: [{ port: 80, targetPort: 8080 }] };
  await cluster.api.expect('POST', `/api/v1/namespaces/${namespace}/services`, { metadata, spec });
  // Transparent by the default of the chart.
  await createDeployment(cluster, namespace, NAME, {
    app: 'web-server.ts',
    args: [NAME, '8080'],
    port: 8080,
    annotations: {},
  });
  // The test asks it at its own port.
  const asked = { 'transparent-proxy': 'true', 'transparent-proxy-exclude-inbound-ports': '8080' };
  const client = await createRelay(cluster, namespace, 'transparent-client', asked);
  const stranger = await createRelay(cluster, namespace, 'stranger');
  await Promise.all([
    allReady(cluster, namespace),
    podsReady(cluster, namespace, [client.name, stranger.name]),
  ]);
  const url = `http://${NAME}.${namespace}/`;
  await eventually('an answer by the Service', () => client.get(url));
  await assert.rejects(stranger.get(url));
}
