/** Ranges of IP addresses, `10.244.0.0/16`. */
import { familyOf, type IpFamily } from './ip-address.ts';
import { parseWholeNumber } from './text.ts';

/** The network without its host bits: `prefix` is the first `length` bits of its addresses. */
export type Cidr = { readonly family: IpFamily; readonly length: number; readonly prefix: bigint };

const BITS = { IPv4: 32, IPv6: 128 } as const;

/** True for an address with a prefix length, or an address alone. */
export function isCidr(text: string): boolean {
  return parseCidr(text) !== undefined;
}

/**
 * Finds the range that holds an address, the same work for ten ranges and for thousands: there are few prefix lengths.
 *
 * @param cidrs those that are none are ignored
 * @returns from an address to the text of the longest range; undefined when there is none, and for what is no address
 */
export function cidrLookup(cidrs: Iterable<string>): (address: string) => string | undefined {
  const known = new Map<string, string>();
  const lengths: Record<IpFamily, Set<number>> = { IPv4: new Set(), IPv6: new Set() };
  for (const text of cidrs) {
    const range = parseCidr(text);
    if (range === undefined) continue;
    lengths[range.family].add(range.length);
    known.set(keyOf(range), text);
  }
  const ordered = {
    IPv4: [...lengths.IPv4].sort((left, right) => right - left),
    IPv6: [...lengths.IPv6].sort((left, right) => right - left),
  };
  return (address) => {
    const family = familyOf(address);
    if (family === undefined || ordered[family].length === 0) return undefined;
    const value = valueOf(address, family);
    for (const length of ordered[family]) {
      const found = known.get(keyOf({ family, length, prefix: prefixOf(value, family, length) }));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

// RFC 4291, section 2.5.5 (two forms), RFC 6052 (NAT64), and RFC 3056 (6to4), whose IPv4 address is behind the first 16 bits.
const EMBEDDING = cidrLookup(['::/96', '::ffff:0:0/96', '64:ff9b::/96', '2002::/16']);

/** The IPv4 address that traffic to an IPv6 address ends at, where its form says so. */
export function embeddedIpv4(address: string): string | undefined {
  const form = address.includes(':') ? EMBEDDING(address) : undefined;
  if (form === undefined) return undefined;
  const value = valueOf(address, 'IPv6') >> (form === '2002::/16' ? 80n : 0n);
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}

/** An address alone is a network of one; undefined for what is neither. Host bits are dropped. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', given, ...more] = text.split('/');
  const family = familyOf(address);
  if (family === undefined || more.length > 0) return undefined;
  const length = given === undefined ? BITS[family] : parseWholeNumber(given);
  if (length === undefined || length > BITS[family]) return undefined;
  return { family, length, prefix: prefixOf(valueOf(address, family), family, length) };
}

/** With its prefix length, and IPv6 without `::`. */
export function formatCidr({ family, length, prefix }: Cidr): string {
  const value = prefix << BigInt(BITS[family] - length);
  const [parts, bits, base, separator] =
    family === 'IPv4' ? ([4, 8, 10, '.'] as const) : ([8, 16, 16, ':'] as const);
  const groups = Array.from({ length: parts }, (_, index) =>
    BigInt.asUintN(bits, value >> BigInt(bits * (parts - 1 - index))).toString(base),
  );
  return `${groups.join(separator)}/${length}`;
}

/** Without those that lie within another one, by address. Networks cannot overlap in any other way. */
export function outermostCidrs(cidrs: readonly Cidr[]): readonly Cidr[] {
  const ordered = cidrs
    .map((cidr) => ({ cidr, first: cidr.prefix << BigInt(BITS[cidr.family] - cidr.length) }))
    .sort((left, right) => {
      if (left.cidr.family !== right.cidr.family) return left.cidr.family === 'IPv4' ? -1 : 1;
      if (left.first !== right.first) return left.first < right.first ? -1 : 1;
      return left.cidr.length - right.cidr.length;
    });
  let outer: Cidr | undefined;
  return ordered.flatMap(({ cidr }) => {
    if (outer !== undefined && holds(outer, cidr)) return [];
    outer = cidr;
    return [cidr];
  });
}

/** Whether all addresses of the inner one are in the outer one. */
export function holds(outer: Cidr, inner: Cidr): boolean {
  return (
    outer.family === inner.family &&
    outer.length <= inner.length &&
    inner.prefix >> BigInt(inner.length - outer.length) === outer.prefix
  );
}

function keyOf({ family, length, prefix }: Cidr): string {
  return `${family} ${length} ${prefix}`;
}

function prefixOf(value: bigint, family: IpFamily, length: number): bigint {
  return value >> BigInt(BITS[family] - length);
}

function valueOf(address: string, family: IpFamily): bigint {
  if (family === 'IPv4') return address.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  // The form of RFC 5952, without an IPv4 tail.
  const [front = '', back] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groupsOf = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [first, last] = [groupsOf(front), groupsOf(back)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}
