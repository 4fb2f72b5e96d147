/** The part of a proxy's registration that says what it stands for and what it reaches, wanted and found. */
import type { ExposedPath, Proxy, ProxyUpstream } from '../../model/registration.ts';
import { asString, elementsAt, isObject, property } from '../../support/json.ts';

export function wantedUpstream(wanted: ProxyUpstream): ProxyUpstream {
  return { ...wanted, namespace: named(wanted.namespace), partition: named(wanted.partition) };
}

/** From `Proxy` as Consul answers; fields that are not ours are ignored, because every version adds some. */
export function readProxy(raw: unknown): Proxy {
  const config = property(raw, 'Config');
  return {
    destinationName: text(raw, 'DestinationServiceName'),
    destinationId: text(raw, 'DestinationServiceID'),
    localAddress: text(raw, 'LocalServiceAddress'),
    localPort: number(raw, 'LocalServicePort'),
    upstreams: elementsAt(raw, 'Upstreams').map(readUpstream),
    config: isObject(config) ? config : {},
    mode: text(raw, 'Mode'),
    exposed: elementsAt(property(raw, 'Expose'), 'Paths').map(readExposed),
  };
}

export function isSameProxy(left: Proxy, right: Proxy): boolean {
  return canonical(left) === canonical(right);
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

function readExposed(raw: unknown): ExposedPath {
  return {
    path: text(raw, 'Path'),
    listenerPort: number(raw, 'ListenerPort'),
    localPort: number(raw, 'LocalPathPort'),
    protocol: text(raw, 'Protocol'),
  };
}

// Consul Enterprise fills in the default ones, the community edition has no others.
function named(tenancy: string): string {
  return tenancy === 'default' ? '' : tenancy;
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
