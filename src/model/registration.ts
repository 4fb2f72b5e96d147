/** What Consul has of a workload in the mesh: one model, whoever registers it; `definition.ts` says how it is written. */
import type { Instance } from './instance.ts';
import { PROXY_SUFFIX } from './reserved-names.ts';

export type Registration = Pick<Instance, 'id' | 'name' | 'address' | 'port' | 'tags' | 'meta'> &
  (
    | { readonly kind: 'service'; readonly proxy?: undefined }
    | { readonly kind: 'connect-proxy'; readonly proxy: Proxy }
  );

/** What a proxy stands for, and what it reaches. */
export type Proxy = {
  readonly destinationName: string;
  readonly destinationId: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly upstreams: readonly ProxyUpstream[];
  readonly config: Readonly<Record<string, unknown>>;
};

/** Empty texts and zeros are what Consul leaves out, or fills in. */
export type ProxyUpstream = {
  readonly type: string;
  readonly name: string;
  readonly namespace: string;
  readonly partition: string;
  readonly peer: string;
  readonly destinationPort: string;
  readonly datacenter: string;
  readonly bindAddress: string;
  readonly bindPort: number;
  readonly meshGateway: string;
};

export const LOOPBACK = '127.0.0.1';

/** A service and its proxy, in the order in which Consul must get them. */
export function serviceAndProxy(
  service: Omit<Registration, 'kind' | 'proxy'>,
  inboundPort: number,
  reached: Pick<Proxy, 'upstreams' | 'config'>,
): readonly Registration[] {
  const { id, name, port } = service;
  const proxy = {
    destinationName: name,
    destinationId: id,
    localAddress: port === 0 ? '' : LOOPBACK,
    localPort: port,
    ...reached,
  };
  return [
    { ...service, kind: 'service' },
    {
      ...service,
      kind: 'connect-proxy',
      id: `${id}${PROXY_SUFFIX}`,
      name: `${name}${PROXY_SUFFIX}`,
      port: inboundPort,
      proxy,
    },
  ];
}
