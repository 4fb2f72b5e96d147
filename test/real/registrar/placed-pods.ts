/** Injected pods as the API server has them, without processes: what scheduler and kubelet write, a test writes. */
import { MERGE_PATCH, type KubernetesObject } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';
import { podOf } from '../mesh/mesh.ts';

export type PlacedPods = {
  /** Made, injected, on a node, ready; gives its UID. */
  readonly create: (name: string, options?: PlaceOptions) => Promise<string>;
  readonly path: (name: string) => string;
  /** As the kubelet does when all containers have ended. */
  readonly remove: (name: string) => Promise<void>;
};

export type PlaceOptions = {
  readonly node?: string;
  /** Address of the node. */
  readonly hostIp?: string;
  /** Its init containers have ended. */
  readonly isInitialized?: boolean;
  /** Unless told it is. */
  readonly isReady?: boolean;
  readonly serviceAccount?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
};

export function placedPods({ admin }: ApiServer, namespace: string): PlacedPods {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const path = (name: string): string => `${pods}/${name}`;
  let count = 0;
  return {
    path,
    create: async (name, options = {}) => {
      const { node = 'node-1', hostIp = '10.0.0.1', serviceAccount = 'default' } = options;
      const { annotations = {}, labels = {}, isInitialized = false, isReady = true } = options;
      count += 1;
      const ip = `10.1.${count >> 8}.${count & 255}`;
      const container = { image: 'example/app', ports: [{ containerPort: 8080 }] };
      const asked = podOf(name, { 'connect-service': 'app', ...annotations }, container, {
        serviceAccountName: serviceAccount,
      });
      const labelled = { ...asked, metadata: { ...asked.metadata, labels } };
      const created: KubernetesObject = await admin.expect('POST', pods, labelled);
      await admin.expect('POST', `${path(name)}/binding`, { metadata: { name }, target: { name: node } });
      const status = {
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        hostIP: hostIp,
        hostIPs: [{ ip: hostIp }],
        conditions: [...(isInitialized ? ['Initialized'] : []), ...(isReady ? ['Ready'] : [])].map(
          (type) => ({
            type,
            status: 'True',
          }),
        ),
      };
      await admin.expect('PATCH', `${path(name)}/status`, { status }, MERGE_PATCH);
      return created.metadata.uid ?? '';
    },
    remove: async (name) => {
      await admin.expect('DELETE', path(name));
      await admin.expect('DELETE', `${path(name)}?gracePeriodSeconds=0`);
    },
  };
}
