/** One upstream, as its author wrote it, and its canonical text. */
import { LOOPBACK, type ProxyUpstream } from '../model/registration.ts';

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

/** The text that parses to this upstream again; a datacenter is always in the third place. */
export function formatUpstream(upstream: Upstream): string {
  const { name, localBindPort, datacenter } = upstream;
  const labels = upstream.kind === 'prepared-query' ? '' : formatLabels(upstream);
  // Behind the port of a name with `.svc` no datacenter can stand.
  const place =
    datacenter === undefined || labels !== '' ? `${localBindPort}` : `${localBindPort}:${datacenter}`;
  if (upstream.kind === 'prepared-query') return `${PREPARED_QUERY}:${name}:${place}`;
  return `${name}${labels}:${place}${formatOptions(upstream, labels !== '' ? datacenter : undefined)}`;
}

function formatLabels({ namespace, partition, peer }: ServiceUpstream): string {
  const labels = [
    ...(namespace === undefined ? [] : [`${namespace}.ns`]),
    ...(peer === undefined ? [] : [`${peer}.peer`]),
    ...(partition === undefined ? [] : [`${partition}.ap`]),
  ];
  return labels.length === 0 ? '' : `.svc.${labels.join('.')}`;
}

function formatOptions(
  { localBindAddress, destinationPort, meshGatewayMode }: ServiceUpstream,
  datacenter: string | undefined,
): string {
  const options = [
    ...(localBindAddress === LOOPBACK ? [] : [`local_bind_address=${localBindAddress}`]),
    ...(destinationPort === undefined ? [] : [`destination_port=${destinationPort}`]),
    ...(meshGatewayMode === undefined ? [] : [`mesh_gateway_mode=${meshGatewayMode}`]),
    ...(datacenter === undefined ? [] : [`datacenter=${datacenter}`]),
  ];
  return options.length === 0 ? '' : `?${options.join('&')}`;
}
