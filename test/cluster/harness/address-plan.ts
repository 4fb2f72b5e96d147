/** The addresses of a cluster, all in one 10.x.0.0/16, and how such a range is chosen. */

export type NodeAddresses = {
  readonly name: string;
  readonly address: string;
  /** Range of its pods. */
  readonly pods: string;
};

export type AddressPlan = {
  /** `10-64`: in the names of the link, the cgroups and the folder. */
  readonly id: string;
  readonly range: string;
  /** Of this machine, as nodes and pods see it. */
  readonly host: string;
  readonly pods: string;
  readonly services: string;
  /** Of the Service `kubernetes`: the first address of its range. */
  readonly apiService: string;
  readonly dnsService: string;
  readonly nodes: readonly NodeAddresses[];
};

/** A route of this machine: `10.0.0.0/8`, and the device that it leads to. */
export type Route = { readonly destination: string; readonly device: string };

export const NODES = ['node-1', 'node-2'] as const;

/** @param network `a.b.0.0/16` */
export function addressPlan(network: string): AddressPlan {
  const [first = '', second = ''] = network.split('.');
  const prefix = `${first}.${second}`;
  return {
    id: `${first}-${second}`,
    range: network,
    host: `${prefix}.0.1`,
    pods: `${prefix}.64.0/18`,
    services: `${prefix}.128.0/18`,
    apiService: `${prefix}.128.1`,
    dnsService: `${prefix}.128.10`,
    nodes: NODES.map((name, index) => ({
      name,
      address: `${prefix}.0.${11 + index}`,
      pods: `${prefix}.${65 + index}.0/24`,
    })),
  };
}

// 10.64 to 10.127: clear of what home routers, Docker and the defaults of kubeadm take (10.0, 10.96 and 10.244 among them).
const CANDIDATES = Array.from({ length: 64 }, (_, index) => 64 + index)
  .filter((second) => second !== 96)
  .map((second) => `10.${second}.0.0/16`);

export type NetworkChoice =
  | { readonly kind: 'chosen'; readonly network: string }
  | { readonly kind: 'refused'; readonly problem: string };

/**
 * The range that was asked for, or the first that no route of the machine covers or lies in; a default route does not count.
 *
 * @param wanted of `--network`
 * @param taken ids of clusters that are there
 */
export function chooseNetwork(
  wanted: string | undefined,
  routes: readonly Route[],
  taken: readonly string[],
): NetworkChoice {
  if (wanted !== undefined) return chooseWanted(wanted, routes, taken);
  const free = CANDIDATES.find(
    (network) =>
      !taken.includes(addressPlan(network).id) &&
      !routes.some(({ destination }) => overlaps(network, destination)),
  );
  if (free !== undefined) return { kind: 'chosen', network: free };
  const problem =
    'Every range from 10.64.0.0/16 to 10.127.0.0/16 is used by a route of this machine (ip route). ' +
    'Name one that is free here: --network=172.30.0.0/16';
  return { kind: 'refused', problem };
}

/** https://www.rfc-editor.org/rfc/rfc1918#section-3: what nobody else has. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] as const;

/** A wider route may be there, as that of a VPN to 10.0.0.0/8: whoever names a range knows that it is free in there. */
function chooseWanted(wanted: string, routes: readonly Route[], taken: readonly string[]): NetworkChoice {
  if (!/^\d{1,3}\.\d{1,3}\.0\.0\/16$/.test(wanted) || parse(wanted) === undefined)
    return { kind: 'refused', problem: `--network=${wanted}: expected an IPv4 range such as 10.70.0.0/16` };
  if (!PRIVATE.some((range) => overlaps(wanted, range)))
    return {
      kind: 'refused',
      problem: `--network=${wanted} hides addresses of others; expected one of a private range: ${PRIVATE.join(', ')}`,
    };
  const used = routes.find(({ destination }) => lengthOf(destination) >= 16 && overlaps(wanted, destination));
  if (used !== undefined) {
    const by = `by the route to ${used.destination} over ${used.device}`;
    return { kind: 'refused', problem: `--network=${wanted} is in use ${by}. Name another one, or none` };
  }
  if (taken.includes(addressPlan(wanted).id))
    return { kind: 'refused', problem: `--network=${wanted} is in use by another cluster. Name another one` };
  return { kind: 'chosen', network: wanted };
}

function overlaps(a: string, b: string): boolean {
  const [first, second] = [parse(a), parse(b)];
  if (first === undefined || second === undefined) return false;
  const length = Math.min(first.length, second.length);
  return length > 0 && first.bits >>> (32 - length) === second.bits >>> (32 - length);
}

function lengthOf(destination: string): number {
  return parse(destination)?.length ?? 0;
}

/** A default route has length 0, an address without a length 32. Undefined for what is no IPv4 range. */
function parse(range: string): { readonly bits: number; readonly length: number } | undefined {
  if (range === 'default') return { bits: 0, length: 0 };
  const [address = '', length = '32'] = range.split('/');
  const octets = address.split('.').map(Number);
  if (octets.length !== 4 || !octets.every((octet) => octet >= 0 && octet <= 255)) return undefined;
  return { bits: octets.reduce((bits, octet) => bits * 256 + octet, 0), length: Number(length) };
}
