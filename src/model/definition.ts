/** A registration as Consul's agent, its catalog and its command line read it. */
import { hostAndPort } from '../support/ip-address.ts';
import { isObject } from '../support/json.ts';
import { CHECK_NAME, NEVER_EXPIRES, readinessCheckId } from './consul-names.ts';
import type { ServiceEntry } from './consul-entries.ts';
import type { Check, Instance } from './instance.ts';
import type { Proxy, ProxyUpstream, Registration, VirtualAddress } from './registration.ts';

/**
 * Checks whether Envoy listens for its peers, and reaps a pod that vanished with its node. An agent makes the first check at a random
 * moment within the interval. Until then nobody is routed to the pod, while a Deployment that already sees it ready
 * deletes the next one.
 */
const LISTENER_CHECK = { name: 'Proxy Public Listener', interval: '1s', reapedAfter: '10m' };
/** The proxy is as healthy as what it stands for. */
const ALIAS_CHECK = 'Destination Alias';

type Definition = Readonly<Record<string, unknown>>;

/** Body of `PUT /v1/agent/service/register`, without checks. */
export function agentDefinition({
  kind,
  id,
  name,
  address,
  port,
  tags,
  meta,
  virtual,
  proxy,
}: Registration): Definition {
  return {
    ...(kind === 'service' ? {} : { Kind: kind }),
    ID: id,
    Name: name,
    Address: address,
    ...(port === 0 ? {} : { Port: port }),
    Tags: tags,
    Meta: meta,
    ...taggedAddresses(virtual),
    ...(proxy === undefined ? {} : { Proxy: proxyDefinition(proxy) }),
  };
}

/**
 * The same with the checks that the agent makes of a proxy.
 *
 * @param readiness status of the service until the registrar reports another; undefined: no registrar runs, and the service
 * passes as soon as its proxy does
 */
export function checkedDefinition(
  registration: Registration,
  readiness: Check['status'] | undefined,
): Definition {
  const { id, address, port, proxy } = registration;
  if (proxy === undefined) {
    const check = { CheckID: readinessCheckId(id), Name: CHECK_NAME, TTL: NEVER_EXPIRES, Status: readiness };
    return { ...agentDefinition(registration), ...(readiness !== undefined && { Checks: [check] }) };
  }
  const Checks = [
    {
      Name: LISTENER_CHECK.name,
      TCP: hostAndPort(address, port),
      Interval: LISTENER_CHECK.interval,
      DeregisterCriticalServiceAfter: LISTENER_CHECK.reapedAfter,
    },
    { Name: ALIAS_CHECK, AliasService: proxy.destinationId },
  ];
  return { ...agentDefinition(registration), Checks };
}

/** The file that `consul services register` reads. */
export function agentFile(definitions: readonly Definition[]): string {
  return JSON.stringify({ services: definitions.map(inSnakeCase) });
}

/** `Service` of the catalog and of a transaction. */
export type CatalogDefinition = Omit<ServiceEntry, 'Kind' | 'TaggedAddresses' | 'Proxy'>;

export function catalogDefinition(instance: Instance): CatalogDefinition {
  return {
    ID: instance.id,
    Service: instance.name,
    Tags: instance.tags,
    Address: instance.address,
    Port: instance.port,
    Meta: instance.meta,
    Weights: { Passing: instance.weight, Warning: 1 },
  };
}

/** `TaggedAddresses` of every API; those that Consul adds itself stay. */
export function taggedAddresses(
  virtual: VirtualAddress | undefined,
): Partial<Pick<ServiceEntry, 'TaggedAddresses'>> {
  if (virtual === undefined) return {};
  return { TaggedAddresses: { virtual: { Address: virtual.address, Port: virtual.port } } };
}

/** `Proxy` of every API. */
export function proxyDefinition(proxy: Proxy): Definition {
  return {
    DestinationServiceName: proxy.destinationName,
    DestinationServiceID: proxy.destinationId,
    ...(proxy.localPort === 0
      ? {}
      : { LocalServiceAddress: proxy.localAddress, LocalServicePort: proxy.localPort }),
    ...(proxy.mode === '' ? {} : { Mode: proxy.mode }),
    Upstreams: proxy.upstreams.map(upstreamDefinition),
    ...(proxy.exposed.length === 0
      ? {}
      : {
          Expose: {
            Paths: proxy.exposed.map(({ path, listenerPort, localPort, protocol }) => ({
              Path: path,
              ListenerPort: listenerPort,
              LocalPathPort: localPort,
              Protocol: protocol,
            })),
          },
        }),
    ...(Object.keys(proxy.config).length === 0 ? {} : { Config: proxy.config }),
  };
}

function upstreamDefinition(upstream: ProxyUpstream): Definition {
  const { namespace, partition, peer, destinationPort, meshGateway, datacenter } = upstream;
  return {
    DestinationType: upstream.type,
    DestinationName: upstream.name,
    ...(namespace === '' ? {} : { DestinationNamespace: namespace }),
    ...(partition === '' ? {} : { DestinationPartition: partition }),
    ...(peer === '' ? {} : { DestinationPeer: peer }),
    ...(destinationPort === '' ? {} : { DestinationPort: destinationPort }),
    ...(meshGateway === '' ? {} : { MeshGateway: { Mode: meshGateway } }),
    ...(datacenter === '' ? {} : { Datacenter: datacenter }),
    LocalBindAddress: upstream.bindAddress,
    LocalBindPort: upstream.bindPort,
  };
}

// Their keys are not Consul's.
const FREE = ['Meta', 'Config'];

/** Files have the same fields in another spelling: `DestinationServiceID` is `destination_service_id`. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (!isObject(value)) return value;
  // Its keys are those of the definitions above. A loop takes a third of the time of lists of entries.
  const respelled: Record<string, unknown> = {};
  for (const key of Object.keys(value))
    respelled[snakeCase(key)] = FREE.includes(key) ? value[key] : inSnakeCase(value[key]);
  return respelled;
}

// Each pod has the same few. Files call a check's id `id` alone.
const spelled = new Map<string, string>([['CheckID', 'id']]);

function snakeCase(key: string): string {
  const known = spelled.get(key);
  if (known !== undefined) return known;
  const text = key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  spelled.set(key, text);
  return text;
}
