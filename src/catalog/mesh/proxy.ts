/** The part of a proxy's registration that says what it stands for and what it reaches, wanted and found. */
import type { Upstream } from '../../inject/upstream.ts';
import { asString, isObject, property } from '../../support/json.ts';

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

export type Proxy = {
  readonly destinationName: string;
  readonly destinationId: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly upstreams: readonly ProxyUpstream[];
  readonly config: Readonly<Record<string, unknown>>;
};

export function upstreamOf(upstream: Upstream): ProxyUpstream {
  const { kind, name, datacenter = '', localBindAddress, localBindPort } = upstream;
  const service = kind === 'service' ? upstream : undefined;
  return {
    type: kind === 'service' ? 'service' : 'prepared_query',
    name,
    namespace: named(service?.namespace),
    partition: named(service?.partition),
    peer: service?.peer ?? '',
    destinationPort: service?.destinationPort ?? '',
    datacenter,
    bindAddress: localBindAddress,
    bindPort: localBindPort,
    meshGateway: service?.meshGatewayMode ?? '',
  };
}

/** From `Proxy` as Consul answers; fields that are not ours are not looked at, because every version adds some. */
export function readProxy(raw: unknown): Proxy {
  const upstreams = property(raw, 'Upstreams');
  const config = property(raw, 'Config');
  return {
    destinationName: text(raw, 'DestinationServiceName'),
    destinationId: text(raw, 'DestinationServiceID'),
    localAddress: text(raw, 'LocalServiceAddress'),
    localPort: number(raw, 'LocalServicePort'),
    upstreams: Array.isArray(upstreams) ? upstreams.map(readUpstream) : [],
    config: isObject(config) ? config : {},
  };
}

export function isSameProxy(left: Proxy, right: Proxy): boolean {
  return canonical(left) === canonical(right);
}

/** As `Proxy` of `/v1/catalog/register` takes it. */
export function proxyDefinition(proxy: Proxy): Readonly<Record<string, unknown>> {
  return {
    DestinationServiceName: proxy.destinationName,
    DestinationServiceID: proxy.destinationId,
    ...(proxy.localPort === 0
      ? {}
      : { LocalServiceAddress: proxy.localAddress, LocalServicePort: proxy.localPort }),
    Upstreams: proxy.upstreams.map(upstreamDefinition),
    Config: proxy.config,
  };
}

function upstreamDefinition(upstream: ProxyUpstream): object {
  const texts = {
    DestinationNamespace: upstream.namespace,
    DestinationPartition: upstream.partition,
    DestinationPeer: upstream.peer,
    DestinationPort: upstream.destinationPort,
    Datacenter: upstream.datacenter,
  };
  return {
    DestinationType: upstream.type,
    DestinationName: upstream.name,
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== '')),
    LocalBindAddress: upstream.bindAddress,
    LocalBindPort: upstream.bindPort,
    ...(upstream.meshGateway === '' ? {} : { MeshGateway: { Mode: upstream.meshGateway } }),
  };
}

function readUpstream(raw: unknown): ProxyUpstream {
  return {
    type: text(raw, 'DestinationType') || 'service',
    name: text(raw, 'DestinationName'),
    namespace: named(text(raw, 'DestinationNamespace')),
    partition: named(text(raw, 'DestinationPartition')),
    peer: text(raw, 'DestinationPeer'),
    destinationPort: text(raw, 'DestinationPort'),
    datacenter: text(raw, 'Datacenter'),
    bindAddress: text(raw, 'LocalBindAddress'),
    bindPort: number(raw, 'LocalBindPort'),
    meshGateway: text(property(raw, 'MeshGateway'), 'Mode'),
  };
}

// Consul Enterprise fills in the default ones, the community edition has no others.
function named(tenancy: string | undefined): string {
  return tenancy === undefined || tenancy === 'default' ? '' : tenancy;
}

/** Consul gives the keys of a config back in their order, also of what is nested in it. */
function canonical(proxy: Proxy): string {
  return JSON.stringify(proxy, (_key, value: unknown) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : value,
  );
}

function text(value: unknown, key: string): string {
  return asString(property(value, key)) ?? '';
}

function number(value: unknown, key: string): number {
  const found = property(value, key);
  return typeof found === 'number' ? found : 0;
}
