/** The part of a proxy's registration that says what it stands for and what it reaches, wanted and found. */
import { byText } from '../../model/instance.ts';
import type { ExposedPath, Proxy, ProxyUpstream } from '../../model/registration.ts';
import { asObject, elementsAt, isObject, numberAt, property, textAt } from '../../support/json.ts';

export function wantedUpstream(wanted: ProxyUpstream): ProxyUpstream {
  return { ...wanted, namespace: named(wanted.namespace), partition: named(wanted.partition) };
}

/** From `Proxy` as Consul answers; fields that are not ours are ignored, because every version adds some. */
export function readProxy(raw: unknown): Proxy {
  return {
    destinationName: textAt(raw, 'DestinationServiceName'),
    destinationId: textAt(raw, 'DestinationServiceID'),
    localAddress: textAt(raw, 'LocalServiceAddress'),
    localPort: numberAt(raw, 'LocalServicePort'),
    upstreams: elementsAt(raw, 'Upstreams').map(readUpstream),
    config: asObject(property(raw, 'Config')),
    mode: textAt(raw, 'Mode'),
    exposed: elementsAt(property(raw, 'Expose'), 'Paths').map(readExposed),
  };
}

export function isSameProxy(left: Proxy, right: Proxy): boolean {
  return canonical(left) === canonical(right);
}

function readUpstream(raw: unknown): ProxyUpstream {
  return {
    type: textAt(raw, 'DestinationType') || 'service',
    name: textAt(raw, 'DestinationName'),
    namespace: named(textAt(raw, 'DestinationNamespace')),
    partition: named(textAt(raw, 'DestinationPartition')),
    peer: textAt(raw, 'DestinationPeer'),
    destinationPort: textAt(raw, 'DestinationPort'),
    datacenter: textAt(raw, 'Datacenter'),
    bindAddress: textAt(raw, 'LocalBindAddress'),
    bindPort: numberAt(raw, 'LocalBindPort'),
    meshGateway: textAt(property(raw, 'MeshGateway'), 'Mode'),
  };
}

function readExposed(raw: unknown): ExposedPath {
  return {
    path: textAt(raw, 'Path'),
    listenerPort: numberAt(raw, 'ListenerPort'),
    localPort: numberAt(raw, 'LocalPathPort'),
    protocol: textAt(raw, 'Protocol'),
  };
}

// Consul Enterprise fills in the default ones, the community edition has no others.
function named(tenancy: string): string {
  return tenancy === 'default' ? '' : tenancy;
}

/** Consul returns the keys of a config sorted, at every level. */
function canonical(proxy: Proxy): string {
  return JSON.stringify(proxy, (_key, value: unknown) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => byText(left, right)))
      : value,
  );
}
