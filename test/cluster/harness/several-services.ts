/** A pod that is two services in Consul, each with a sidecar of its own. */
import assert from 'node:assert/strict';
import { eventually } from '../../real/harness/eventually.ts';
import { appPod, createPod } from './app-pod.ts';
import type { Cluster } from './cluster.ts';
import type { ConsulApi } from './consul.ts';
import { podNames, UPSTREAMS } from './demos.ts';
import type { Relay } from './relay.ts';

const SERVICES = ['shop', 'shop-admin'] as const;
const PORTS = [8080, 8090];

/** In a namespace that has the apps. */
export async function createSeveralServices(cluster: Cluster, namespace: string): Promise<void> {
  const [shop, admin] = SERVICES.map((name, index) =>
    appPod(cluster, name, {
      app: 'web-server.ts',
      args: [name, String(PORTS[index])],
      annotations: {
        'connect-service': SERVICES.join(),
        'connect-service-port': PORTS.join(),
        'transparent-proxy': 'false',
      },
    }),
  );
  assert.ok(shop && admin);
  const containers = [...shop.spec.containers, ...admin.spec.containers];
  await createPod(cluster, namespace, { ...shop, spec: { ...shop.spec, containers } });
}

/** @param client with the upstreams */
export async function proveSeveralServices(
  { kubectl }: Cluster,
  namespace: string,
  client: Relay,
  consul: ConsulApi,
): Promise<void> {
  for (const service of SERVICES)
    await eventually(`an answer of ${service}`, async () =>
      assert.equal(await client.get(`http://127.0.0.1:${UPSTREAMS[service]}`), service),
    );
  await kubectl(['delete', 'pod', 'shop', '-n', namespace]);
  for (const service of SERVICES)
    await eventually(`Consul without ${service}`, async () =>
      assert.deepEqual(await podNames(consul, service), []),
    );
}
