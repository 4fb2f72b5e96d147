/** Addresses of Consul's instances that lead back into the cluster, or to what only machines of it may ask. */
import { embeddedIpv4 } from '../../support/cidr.ts';
import { isInDomain, withoutRoot } from '../../support/dns-name.ts';
import { endpointAddress, type EndpointAddress } from './endpoint-address.ts';
import type { ToK8sSettings } from './to-k8s-settings.ts';

/** Where pods, Services and the API server are, as far as it is known. */
export type ClusterNetwork = {
  /** The range of the cluster that holds the address. */
  readonly rangeOf: (address: string) => string | undefined;
};

type Settings = Pick<ToK8sSettings, 'allowClusterAddresses' | 'clusterDomain'>;

// Cloud providers serve credentials of machines there (Google, AWS, Azure, Alibaba and Oracle Cloud); the link-local ones can
// be no endpoint anyway.
const METADATA_ADDRESSES = new Set([
  'fd00:ec2::254',
  'fd00:ec2::23',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
]);
const METADATA_NAMES = ['metadata.google.internal', 'metadata.goog', 'instance-data.ec2.internal'];
// What resolvers in pods complete by their search path (Kubernetes, "DNS for Services and Pods"), and what is this machine.
const CLUSTER_ENDINGS = ['svc', 'pod', 'default', 'kube-system', 'kube-public', 'kube-node-lease'];
const LOCAL_ENDINGS = ['localhost', 'localhost.localdomain'];

/**
 * Such an address bypasses NetworkPolicies and admission: a client that may reach a Service made from Consul would reach
 * the API server, a pod, or the metadata of its machine. The text of a host name is judged, not what it resolves to.
 *
 * @returns what the address is, as the predicate of a sentence; undefined when it may be used
 */
export function leadsIntoCluster(
  address: string,
  place: EndpointAddress,
  settings: Settings,
  network: ClusterNetwork,
): string | undefined {
  if (settings.allowClusterAddresses) return undefined;
  if (place.kind === 'host-name') return ofHost(withoutRoot(address).toLowerCase(), settings);
  if (place.kind === 'special') return undefined;
  const inside = embeddedIpv4(place.address);
  const isSpecial = inside !== undefined && endpointAddress(inside).kind === 'special';
  if (isSpecial) return `leads to ${inside}, which is an address of the machine itself`;
  for (const each of [place.address, ...(inside === undefined ? [] : [inside])]) {
    if (METADATA_ADDRESSES.has(each)) return 'is where a cloud serves the credentials of its machines';
    const range = network.rangeOf(each);
    if (range !== undefined) return `is in the range ${range} of this cluster`;
  }
  return undefined;
}

function ofHost(host: string, { clusterDomain }: Settings): string | undefined {
  const isUnder = (endings: readonly string[]): boolean => endings.some((each) => isInDomain(host, each));
  if (isUnder(LOCAL_ENDINGS)) return 'is the machine itself';
  if (isUnder(METADATA_NAMES)) return 'is where a cloud serves the credentials of its machines';
  if (isUnder([clusterDomain, ...CLUSTER_ENDINGS])) return 'is a name of this cluster';
  return host.includes('.') ? undefined : 'has no dot, so pods look for it in this cluster';
}
