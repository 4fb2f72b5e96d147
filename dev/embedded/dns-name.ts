/** What a name in Consul's domain asks for (Consul, "DNS Static Lookups"). */

type Lookup =
  /** Not below the domain: another server's business. */
  | { readonly kind: 'foreign' }
  /** The domain itself. */
  | { readonly kind: 'apex' }
  /** An empty tag is none. */
  | { readonly kind: 'service'; readonly name: string; readonly tag: string; readonly datacenter: string }
  | { readonly kind: 'node'; readonly name: string; readonly datacenter: string }
  /** An address that stands in the name, as the targets of SRV records do. */
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'nothing' };

/**
 * `<name>.service[.<dc>].<domain>`, with a tag before it or as `_<name>._<tag>.service…` (RFC 2782, where `_tcp` is no
 * tag), `<node>.node[.<dc>].<domain>`, and `<hex>.addr[.<dc>].<domain>`. Names are read in any case.
 *
 * @param datacenter the one of a name that has none
 */
export function lookupOf(name: string, domain: string, datacenter: string): Lookup {
  const labels = name
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '');
  const suffix = domain.toLowerCase().split('.');
  if (labels.slice(-suffix.length).join('.') !== suffix.join('.')) return { kind: 'foreign' };
  const own = labels.slice(0, -suffix.length);
  if (own.length === 0) return { kind: 'apex' };
  const isKind = (label: string | undefined): boolean => /^(?:service|node|addr)$/.test(label ?? '');
  if (isKind(own.at(-1))) return inKind(own.slice(0, -1), own.at(-1), datacenter);
  if (isKind(own.at(-2))) return inKind(own.slice(0, -2), own.at(-2), own.at(-1) ?? datacenter);
  return { kind: 'nothing' };
}

function inKind(labels: readonly string[], kind: string | undefined, datacenter: string): Lookup {
  if (labels.length === 0) return { kind: 'nothing' };
  if (kind === 'node') return { kind: 'node', name: labels.join('.'), datacenter };
  if (kind === 'addr') return addressLookup(labels.join('.'));
  const [first = '', second = ''] = labels;
  if (labels.length === 2 && first.startsWith('_') && second.startsWith('_')) {
    const tag = second === '_tcp' ? '' : second.slice(1);
    return { kind: 'service', name: first.slice(1), tag, datacenter };
  }
  return { kind: 'service', name: labels.at(-1) ?? '', tag: labels.slice(0, -1).join('.'), datacenter };
}

function addressLookup(hex: string): Lookup {
  if (/^[0-9a-f]{8}$/.test(hex)) {
    const octets = hex.match(/../g) ?? [];
    return { kind: 'address', address: octets.map((octet) => Number.parseInt(octet, 16)).join('.') };
  }
  if (!/^[0-9a-f]{32}$/.test(hex)) return { kind: 'nothing' };
  const groups = (hex.match(/.{4}/g) ?? []).join(':');
  return { kind: 'address', address: new URL(`http://[${groups}]`).hostname.slice(1, -1) };
}

/** The name that `addressLookup` reads: 8 hex digits of an IPv4 address, 32 of an IPv6 one. */
export function addressName(address: string, domain: string, datacenter: string): string {
  return `${hexOf(address)}.addr.${datacenter}.${domain}`;
}

function hexOf(address: string): string {
  if (!address.includes(':'))
    return address
      .split('.')
      .map((octet) => digits(Number(octet), 2))
      .join('');
  // The form of a URL has no IPv4 tail and no leading zeros.
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(before), groups(after ?? '')];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => digits(Number.parseInt(group, 16), 4)).join('');
}

function digits(value: number, count: number): string {
  return value.toString(16).padStart(count, '0');
}
