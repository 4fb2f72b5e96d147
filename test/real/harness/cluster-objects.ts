/** Objects of a cluster without kubelets and controllers: what those would write, a test writes itself. */
import { MERGE_PATCH } from './api-client.ts';
import type { ApiServer } from './api-server.ts';

export type EndpointSpec = {
  readonly address: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
};

export type ClusterObjects = {
  readonly node: (name: string, addresses: Readonly<Record<string, string>>) => Promise<void>;
  readonly service: (
    name: string,
    spec: object,
    annotations?: Readonly<Record<string, string>>,
  ) => Promise<void>;
  /** The EndpointSlice of a Service, made or replaced. */
  readonly endpoints: (
    service: string,
    port: number,
    endpoints: readonly EndpointSpec[],
    name?: string,
  ) => Promise<void>;
  readonly remove: (service: string) => Promise<void>;
};

export function clusterObjects({ admin }: ApiServer, namespace = 'default'): ClusterObjects {
  const services = `/api/v1/namespaces/${namespace}/services`;
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  return {
    node: async (name, addresses) => {
      await admin.expect('POST', '/api/v1/nodes', { metadata: { name } });
      const status = {
        addresses: Object.entries(addresses).map(([type, address]) => ({ type, address })),
      };
      await admin.expect('PATCH', `/api/v1/nodes/${name}/status`, { status }, MERGE_PATCH);
    },
    service: async (name, spec, annotations = {}) => {
      const prefixed = Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`consul.hashicorp.com/${key}`, value]),
      );
      await admin.expect('POST', services, { metadata: { name, annotations: prefixed }, spec });
    },
    endpoints: async (service, port, endpoints, name = `${service}-1`) => {
      const slice = {
        metadata: { name, labels: { 'kubernetes.io/service-name': service } },
        addressType: endpoints.some(({ address }) => address.includes(':')) ? 'IPv6' : 'IPv4',
        ports: [{ name: '', port }],
        endpoints: endpoints.map(({ address, node, ready = true, terminating = false }) => ({
          addresses: [address],
          conditions: { ready, terminating },
          ...(node === undefined ? {} : { nodeName: node }),
        })),
      };
      const { status } = await admin.request('PATCH', `${slices}/${name}`, slice, MERGE_PATCH);
      if (status === 404) await admin.expect('POST', slices, slice);
      else if (status !== 200) throw new Error(`EndpointSlice ${name}: ${status}`);
    },
    remove: async (service) => {
      await admin.expect('DELETE', `${services}/${service}`);
      await admin.expect('DELETE', `${slices}/${service}-1`);
    },
  };
}
