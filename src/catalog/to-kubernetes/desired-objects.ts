/** What Kubernetes should have for one Consul service. */
import { byText } from '../../model/instance.ts';
import type { IpFamily } from '../../support/ip-address.ts';
import { withoutRoot } from '../../support/dns-name.ts';
import { isPort } from '../../support/port.ts';
import { quote } from '../../support/text.ts';
import { leadsIntoCluster, type ClusterNetwork, endpointAddress } from './cluster-address.ts';
import type { ConsulInstance } from './consul-service.ts';
import type { ToK8sProblem } from './to-k8s-problem.ts';
import type { ToK8sSettings } from './to-k8s-settings.ts';

export type ReadyEndpoint = { readonly address: string; readonly zone: string | undefined };

/** Endpoints that may stand in one slice. */
export type EndpointGroup = {
  readonly family: IpFamily;
  /** 0: none. */
  readonly port: number;
  /** In the order of their addresses, each address once. */
  readonly endpoints: readonly ReadyEndpoint[];
};

export type DesiredService =
  | { readonly kind: 'external-name'; readonly externalName: string }
  /** `port` of the Service; 0: headless, as a ClusterIP Service must have a port. */
  | { readonly kind: 'endpoints'; readonly port: number; readonly groups: readonly EndpointGroup[] };

type Desired = {
  /** Undefined when there is no way to have it. */
  readonly service: DesiredService | undefined;
  readonly problems: readonly ToK8sProblem[];
};

// RFC 1123 subdomain, which the API server wants of an externalName.
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const LONGEST_SUBDOMAIN = 253;

type Settings = Pick<ToK8sSettings, 'mode' | 'domain' | 'allowClusterAddresses' | 'clusterDomain'>;

/**
 * | mode          | instances                              | Service                                              |
 * | ------------- | -------------------------------------- | ---------------------------------------------------- |
 * | external-name | any                                    | ExternalName of Consul's DNS                         |
 * | endpoints     | one with an IP address or more         | the healthy ones of these in slices                  |
 * | endpoints     | host names only, one name that is healthy | ExternalName of it                                |
 * | endpoints     | host names only, several               | ExternalName of Consul's DNS, which knows their health; of one of them when an instance is refused |
 *
 * @param instances ignored in mode external-name
 */
export function desiredOf(
  name: string,
  instances: readonly ConsulInstance[],
  settings: Settings,
  network: ClusterNetwork,
): Desired {
  if (settings.mode === 'external-name') return externalName(name, dnsName(name, settings.domain), []);
  const { allowed, problems } = withoutRefused(name, instances, settings, network);
  const hosts = allowed.filter(({ address }) => endpointAddress(address).kind === 'host-name');
  if (hosts.length > 0 && hosts.length === allowed.length) {
    const [first = '', ...more] = servingHosts(hosts);
    // Consul's DNS answers with what is refused here, too.
    const others = allowed.length === instances.length ? dnsName(name, settings.domain) : first;
    return externalName(name, more.length === 0 && isSubdomain(first) ? first : others, problems);
  }
  if (hosts.length > 0) problems.push(hostName(name, hosts));
  return {
    service: {
      kind: 'endpoints',
      port: portOf(allowed.length > 0 ? allowed : instances),
      groups: groupsOf(allowed),
    },
    problems,
  };
}

// Each address gets a message, and nobody who registers thousands of them should fill the status page.
const MOST_REFUSED = 10;

function withoutRefused(
  name: string,
  instances: readonly ConsulInstance[],
  settings: Settings,
  network: ClusterNetwork,
): { readonly allowed: readonly ConsulInstance[]; readonly problems: ToK8sProblem[] } {
  const special: ConsulInstance[] = [];
  const inCluster = new Map<string, string>();
  const allowed = instances.filter((instance) => {
    const { address } = instance;
    const place = endpointAddress(address);
    const isSpecial = place.kind === 'special';
    const why = leadsIntoCluster(address, place, settings, network);
    if (isSpecial) special.push(instance);
    else if (why !== undefined) inCluster.set(address, why);
    return !isSpecial && why === undefined;
  });
  const refused = [...inCluster]
    .toSorted(([left], [right]) => byText(left, right))
    .slice(0, MOST_REFUSED)
    .map(([address, why]) => clusterAddress(name, address, why));
  return {
    allowed,
    problems: [...(special.length === 0 ? [] : [specialAddress(name, special)]), ...refused],
  };
}

function clusterAddress(service: string, address: string, why: string): ToK8sProblem {
  const message = `${quote(address)} ${why}, so the instance is left out; register it with another address, or set --allow-cluster-addresses if everyone who can write to Consul may reach the cluster`;
  return { reason: 'cluster-address', service, message };
}

function dnsName(service: string, domain: string): string {
  return `${service}.service.${domain}`.toLowerCase();
}

/** In the form of an externalName, each once, and in the order of their text, so that the first one stays the same. */
function servingHosts(instances: readonly ConsulInstance[]): readonly string[] {
  const healthy = instances.filter(({ isHealthy }) => isHealthy);
  const hosts = (healthy.length > 0 ? healthy : instances).map(({ address }) => address);
  return [...new Set(hosts.map((host) => withoutRoot(host).toLowerCase()))].toSorted();
}

function isSubdomain(text: string): boolean {
  return text.length <= LONGEST_SUBDOMAIN && SUBDOMAIN.test(text);
}

function externalName(service: string, host: string, problems: readonly ToK8sProblem[]): Desired {
  if (isSubdomain(host)) return { service: { kind: 'external-name', externalName: host }, problems };
  const message = `${quote(host)} is not a DNS name that an externalName may have; register ${quote(service)} under a name of a-z 0-9 and -, or with IP addresses`;
  return { service: undefined, problems: [...problems, { reason: 'no-dns-name', service, message }] };
}

/** That of most instances, the smallest of several; unhealthy ones count, so that it stays through an outage. */
function portOf(instances: readonly ConsulInstance[]): number {
  const counts = new Map<number, number>();
  for (const { port } of instances) if (isPort(port)) counts.set(port, (counts.get(port) ?? 0) + 1);
  const [most] = [...counts].toSorted(([left, many], [right, few]) => few - many || left - right);
  return most?.[0] ?? 0;
}

function groupsOf(instances: readonly ConsulInstance[]): EndpointGroup[] {
  const groups = new Map<
    string,
    { family: IpFamily; port: number; zones: Map<string, string | undefined> }
  >();
  for (const { address: text, port: given, zone, isHealthy } of instances) {
    const place = endpointAddress(text);
    if (!isHealthy || place.kind !== 'ip') continue;
    const port = isPort(given) ? given : 0;
    const key = `${place.family} ${port}`;
    const group = groups.get(key) ?? { family: place.family, port, zones: new Map() };
    groups.set(key, group);
    group.zones.set(place.address, group.zones.get(place.address) ?? zone);
  }
  return [...groups]
    .toSorted(([left], [right]) => byText(left, right))
    .map(([, { family, port, zones }]) => ({
      family,
      port,
      endpoints: [...zones]
        .map(([address, zone]) => ({ address, zone }))
        .toSorted((left, right) => byText(left.address, right.address)),
    }));
}

function specialAddress(service: string, instances: readonly ConsulInstance[]): ToK8sProblem {
  const message = `${addressesOf(instances)} cannot be an endpoint in Kubernetes, so the instance is left out; register it with an address that other machines reach`;
  return { reason: 'special-address', service, message };
}

function hostName(service: string, instances: readonly ConsulInstance[]): ToK8sProblem {
  const message = `${addressesOf(instances)} is a host name beside IP addresses, so the instance is left out; register it with its IP address`;
  return { reason: 'host-name-address', service, message };
}

/** One address, so that the message stays the same while others come and go. */
function addressesOf(instances: readonly ConsulInstance[]): string {
  return quote(instances.map(({ address }) => address).toSorted()[0] ?? '');
}
