/** One upstream, as its author wrote it. */
import type { ProxyUpstream } from '../model/registration.ts';

export const meshGatewayModes = ['none', 'local', 'remote'] as const;
export type MeshGatewayMode = (typeof meshGatewayModes)[number];

export type ServiceUpstream = {
  readonly kind: 'service';
  readonly name: string;
  /** Enterprise namespace, from `<name>.svc.<namespace>.ns`. */
  readonly namespace?: string;
  readonly partition?: string;
  readonly peer?: string;
  readonly datacenter?: string;
  readonly localBindAddress: string;
  readonly localBindPort: number;
  /** Name of a port of the destination. */
  readonly destinationPort?: string;
  readonly meshGatewayMode?: MeshGatewayMode;
};

type PreparedQueryUpstream = {
  readonly kind: 'prepared-query';
  readonly name: string;
  readonly datacenter?: string;
  readonly localBindAddress: string;
  readonly localBindPort: number;
};

export type Upstream = ServiceUpstream | PreparedQueryUpstream;

export const PREPARED_QUERY = 'prepared_query';

/** As a registration has it. */
export function proxyUpstream(upstream: Upstream): ProxyUpstream {
  const { kind, name, datacenter = '', localBindAddress, localBindPort } = upstream;
  const service = kind === 'service' ? upstream : undefined;
  return {
    type: kind === 'service' ? 'service' : PREPARED_QUERY,
    name,
    namespace: service?.namespace ?? '',
    partition: service?.partition ?? '',
    peer: service?.peer ?? '',
    destinationPort: service?.destinationPort ?? '',
    datacenter,
    bindAddress: localBindAddress,
    bindPort: localBindPort,
    meshGateway: service?.meshGatewayMode ?? '',
  };
}
