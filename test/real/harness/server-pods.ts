/** Pods of Consul's servers as a kubelet would report them. */
import { MERGE_PATCH } from './api-client.ts';
import type { ApiServer } from './api-server.ts';

export type ServerPodSpec = {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly object[];
};

export type ServerPods = {
  readonly create: (name: string, spec: ServerPodSpec, status: object) => Promise<void>;
  readonly report: (name: string, status: object) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
};

export function serverPods({ admin }: ApiServer, namespace = 'default'): ServerPods {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const report = async (name: string, status: object): Promise<void> =>
    void (await admin.expect('PATCH', `${path}/${name}/status`, { status }, MERGE_PATCH));
  return {
    create: async (name, { annotations = {}, labels = {}, ports = [] }, status) => {
      const spec = { containers: [{ name: 'consul', image: 'example/consul', ports }] };
      await admin.expect('POST', path, { metadata: { name, annotations, labels }, spec });
      await report(name, status);
    },
    report,
    remove: async (name) => void (await admin.expect('DELETE', `${path}/${name}?gracePeriodSeconds=0`)),
  };
}

/** A pod that runs and, unless told, is ready. */
export function running(podIP: string, ready = 'True'): object {
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: [{ type: 'Ready', status: ready }],
  };
}
