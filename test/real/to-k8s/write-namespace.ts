/** A scene for the direction to Kubernetes: both servers, services to register, and what came of them. */
import assert from 'node:assert/strict';
import type { KubernetesObject } from '../harness/api-client.ts';
import { startApiServer, type ApiServer } from '../harness/api-server.ts';
import { startConsul, type Consul, type ConsulOptions } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import type { Scene } from '../harness/scene.ts';

export const NAMESPACE = 'from-consul';
export const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
export const SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;

export type InstanceSpec = {
  readonly id?: string;
  readonly address: string;
  readonly port?: number;
  readonly status?: 'passing' | 'warning' | 'critical';
  readonly zone?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly kind?: string;
};

export type ServiceObject = KubernetesObject & {
  readonly spec: {
    readonly type: string;
    readonly externalName?: string;
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly port: number }[];
    readonly selector?: object;
  };
};

export type SliceObject = KubernetesObject & {
  readonly addressType: string;
  readonly ports: readonly { readonly port: number; readonly name?: string }[];
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly zone?: string;
    readonly conditions: { readonly ready: boolean };
  }[];
};

export type ToK8sScene = {
  readonly api: ApiServer;
  readonly consul: Consul;
  /** Adds or replaces instances; the id is the address and the port unless given. */
  readonly register: (service: string, instances: readonly InstanceSpec[]) => Promise<void>;
  readonly deregister: (
    service: string,
    instance: Pick<InstanceSpec, 'address' | 'port' | 'id'>,
  ) => Promise<void>;
  readonly service: (name: string) => Promise<ServiceObject>;
  /** Slices of a Service in the order of their names. */
  readonly slices: (service: string) => Promise<readonly SliceObject[]>;
  /** Waits until the ready addresses of all slices of the Service are these. */
  readonly addresses: (service: string, expected: readonly string[]) => Promise<void>;
  readonly gone: (service: string) => Promise<void>;
};

const NODE = 'machine';

export async function startToK8sScene(scene: Scene, options: ConsulOptions = {}): Promise<ToK8sScene> {
  const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene, options)]);
  await api.createNamespace(NAMESPACE);

  const idOf = (service: string, { id, address, port = 8080 }: Partial<InstanceSpec>): string =>
    id ?? `${service}-${address}-${port}`;
  const slices = async (service: string): Promise<readonly SliceObject[]> => {
    const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`);
    const { items } = (await api.admin.expect('GET', `${SLICES}?labelSelector=${selector}`)) as unknown as {
      items: readonly SliceObject[];
    };
    return items;
  };
  return {
    api,
    consul,
    register: async (service, instances) => {
      for (const each of instances) {
        const { address, port = 8080, status = 'passing', zone, tags = [], meta = {}, kind = '' } = each;
        const id = idOf(service, each);
        const proxy = kind === '' ? {} : { Kind: kind, Proxy: { DestinationServiceName: 'x' } };
        await consul.call('PUT', '/v1/catalog/register', {
          Node: NODE,
          Address: '10.255.0.1',
          Service: {
            ID: id,
            Service: service,
            Address: address,
            Port: port,
            Tags: tags,
            Meta: meta,
            ...(zone === undefined ? {} : { Locality: { Region: 'r', Zone: zone } }),
            ...proxy,
          },
          Check: { CheckID: `${id}-check`, Name: 'test', ServiceID: id, Status: status },
        });
      }
    },
    deregister: async (service, instance) => {
      const ServiceID = idOf(service, instance);
      await consul.call('PUT', '/v1/catalog/deregister', { Node: NODE, ServiceID });
    },
    service: (name) =>
      eventually(
        `Service ${name}`,
        async () => (await api.admin.expect('GET', `${SERVICES}/${name}`)) as ServiceObject,
      ),
    slices,
    addresses: (service, expected) =>
      eventually(`addresses of ${service}`, async () => {
        const found = (await slices(service))
          .flatMap(({ endpoints }) => endpoints)
          .filter(({ conditions }) => conditions.ready)
          .flatMap(({ addresses }) => addresses);
        assert.deepEqual(found.toSorted(), expected.toSorted());
      }),
    gone: (service) =>
      eventually(`no Service ${service}`, async () => {
        const { status } = await api.admin.request('GET', `${SERVICES}/${service}`);
        assert.equal(status, 404);
        assert.deepEqual(await slices(service), []);
      }),
  };
}
