/** Addresses of Consul's instances: what of them an EndpointSlice may have, and what leads back into the cluster. */
import { embeddedIpv4 } from '../../support/cidr.ts';
import { isInDomain, withoutRoot } from '../../support/dns-name.ts';
import type { ToK8sSettings } from './to-k8s-settings.ts';
import { isIpAddress, type IpFamily } from '../../support/ip-address.ts';

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

type EndpointAddress =
  | { readonly kind: 'ip'; readonly family: IpFamily; readonly address: string }
  /** The API server refuses a slice with it, or it is an address in an invalid form. */
  | { readonly kind: 'special' }
  | { readonly kind: 'host-name' };

// Unspecified, loopback, link-local and multicast (Kubernetes, ValidateEndpointIP), and what Go takes for IPv4.
const SPECIAL_IPV4 = /^(?:0\.0\.0\.0|127\.|169\.254\.|22[4-9]\.|23[0-9]\.)/;
const SPECIAL_IPV6 = /^(?:::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:|::ffff:)/;

// Texts that are not valid addresses, and that resolvers accept as one: with a zone, brackets, `127.1`, `0177.0.0.1`,
// `0x7f000001`. A name whose last label begins with a digit is no host name (RFC 3696, section 2; WHATWG URL, "ends in a number").
const DISGUISED = /[:%[\]]|(?:^|\.)[0-9][0-9a-fx]*\.?$/i;

/** IPv6 in the one form of RFC 5952, so that two spellings are one endpoint. */
export function endpointAddress(text: string): EndpointAddress {
  if (!isIpAddress(text)) return { kind: text === '' || DISGUISED.test(text) ? 'special' : 'host-name' };
  if (!text.includes(':'))
    return SPECIAL_IPV4.test(text) ? { kind: 'special' } : { kind: 'ip', family: 'IPv4', address: text };
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  return SPECIAL_IPV6.test(address) ? { kind: 'special' } : { kind: 'ip', family: 'IPv6', address };
}
