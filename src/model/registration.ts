/** What Consul has for a workload in the mesh: one model, whoever registers it; `definition.ts` says how it is written. */
import type { Instance } from './instance.ts';
import { PROXY_SUFFIX } from './consul-names.ts';

export type Registration = Pick<Instance, 'id' | 'name' | 'address' | 'port' | 'tags' | 'meta'> & {
  /** Of the proxy alone: what clients with redirected traffic dial. */
  readonly virtual?: VirtualAddress | undefined;
} & (
    | { readonly kind: 'service'; readonly proxy?: undefined }
    | { readonly kind: 'connect-proxy'; readonly proxy: Proxy }
  );

/** Tagged address `virtual`: an Envoy whose outbound traffic is redirected to it matches the address alone, never the port. */
export type VirtualAddress = { readonly address: string; readonly port: number };

/** Which service a proxy stands for, and what it reaches. */
export type Proxy = {
  readonly destinationName: string;
  readonly destinationId: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly upstreams: readonly ProxyUpstream[];
  readonly config: Readonly<Record<string, unknown>>;
  /** `transparent` where the traffic of the pod is redirected to the proxy; else empty. */
  readonly mode: string;
  readonly exposed: readonly ExposedPath[];
};

/** What anyone may ask without mTLS: a probe. */
export type ExposedPath = {
  readonly path: string;
  readonly listenerPort: number;
  readonly localPort: number;
  /** `http` or `http2`. */
  readonly protocol: string;
};

/** Empty texts and zeros stand for values that Consul leaves out, or fills in. */
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
/** Mode of a proxy to which all traffic of its pod is redirected. */
export const TRANSPARENT = 'transparent';

/** A service and its proxy, in the order in which Consul must get them. */
export function serviceAndProxy(
  service: Omit<Registration, 'kind' | 'proxy'>,
  inboundPort: number,
  reached: Pick<Proxy, 'upstreams' | 'config'> & Partial<Pick<Proxy, 'mode' | 'exposed'>>,
): readonly Registration[] {
  const { id, name, port } = service;
  const proxy = {
    destinationName: name,
    destinationId: id,
    localAddress: port === 0 ? '' : LOOPBACK,
    localPort: port,
    mode: '',
    exposed: [],
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
