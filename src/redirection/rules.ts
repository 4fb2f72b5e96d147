/** The rules of nft that redirect the traffic of a pod. */
import { formatCidr, holds, outermostCidrs, parseCidr } from '../support/cidr.ts';
import type { IpFamily } from '../support/ip-address.ts';
import { NOBODYS_PORT, OUTSIDE } from './held-traffic.ts';
import { INBOUND_PORT, OUTBOUND_PORT, type RedirectOptions } from './options.ts';

/** `ipHeader` in bytes; `extended` is what a packet with more than that header matches. */
const FAMILIES = [
  {
    family: 'IPv4',
    table: 'ip',
    loopback: '127.0.0.1',
    outside: OUTSIDE.IPv4,
    ipHeader: 20,
    extended: 'ip hdrlength != 5',
  },
  {
    family: 'IPv6',
    table: 'ip6',
    loopback: '::1',
    outside: OUTSIDE.IPv6,
    ipHeader: 40,
    extended: 'ip6 nexthdr != tcp',
  },
] as const satisfies readonly { family: IpFamily; [key: string]: unknown }[];

type Family = (typeof FAMILIES)[number];

/** Marks a connection that may be opened and nothing more; any number that nobody else uses. */
const HANDSHAKE_MARK = '0x7d5eed';

/**
 * The text for `nft -f -`: one transaction for both families, which is applied as a whole or not at all, and may be repeated. It
 * contains no text of an author. Only TCP is redirected.
 */
export function redirectRules(options: RedirectOptions): string {
  const ofBoth = inbound(options);
  return FAMILIES.map((family) => table(family, ofBoth, options)).join('');
}

// Adding before deleting works whether or not the table exists.
function table(family: Family, inboundChain: string, options: RedirectOptions): string {
  const name = `${family.table} tandem`;
  const handshake = options.handshakes.length === 0 ? '' : HANDSHAKE_CHAINS[family.family];
  const chains = inboundChain + outbound(family, options) + handshake;
  return `table ${name}\ndelete table ${name}\ntable ${name} {\n${chains}}\n`;
}

function inbound({ handshakes: probes, inboundPorts }: RedirectOptions): string {
  return chain('inbound', 'type nat hook prerouting priority dstnat; policy accept;', [
    ...probes.map(({ port, to }) => `tcp dport ${port} ct mark set ${HANDSHAKE_MARK} redirect to :${to}`),
    ...passed('tcp dport', inboundPorts),
    `meta l4proto tcp redirect to :${INBOUND_PORT}`,
  ]);
}

function outbound(of: Family, options: RedirectOptions): string {
  const { family, table: ip, loopback } = of;
  const { uids, dnsPort, outboundPorts, outboundCidrs } = options;
  const cidrs = outermostCidrs(outboundCidrs.filter((cidr) => cidr.family === family));
  return chain('outbound', 'type nat hook output priority -100; policy accept;', [
    ...passed('meta skuid', uids),
    ...looked(of, options),
    ...(dnsPort === undefined
      ? []
      : [`${ip} daddr ${loopback} meta l4proto { tcp, udp } th dport 53 redirect to :${dnsPort}`]),
    // The loopback addresses, and the pod's own.
    'oifname "lo" return',
    ...passed('tcp dport', outboundPorts),
    ...passed(`${ip} daddr`, cidrs.map(formatCidr)),
    `meta l4proto tcp redirect to :${OUTBOUND_PORT}`,
  ]);
}

const ALONE = { IPv4: parseCidr(OUTSIDE.IPv4), IPv6: parseCidr(OUTSIDE.IPv6) };

/** The test calls of the pod, where its author's exclusions would let them pass: it would wait forever. */
function looked({ family, table: ip, outside }: Family, options: RedirectOptions): readonly string[] {
  const { outboundPorts, outboundCidrs } = options;
  const alone = ALONE[family];
  const isPassed =
    outboundPorts.includes(NOBODYS_PORT) ||
    (alone !== undefined && outboundCidrs.some((cidr) => holds(cidr, alone)));
  return isPassed ? [`${ip} daddr ${outside} tcp dport ${NOBODYS_PORT} redirect to :${OUTBOUND_PORT}`] : [];
}

/**
 * Drops every packet with a payload, one line for each length of the TCP header: nft 1.0.6 compiles a map of header length
 * and packet length to zeros. By a jump: a packet that is not tracked (IPv6 neighbor discovery) matches neither `=` nor
 * `!=`. In both directions, because an application may speak first.
 */
function handshakeChains({ ipHeader, extended }: Family): string {
  const headers = Array.from({ length: 11 }, (_, index) => 5 + index);
  const jump = `ct mark ${HANDSHAKE_MARK} jump handshake`;
  return [
    chain('handshake', undefined, [
      `${extended} drop`,
      ...headers.map((words) => `tcp doff ${words} meta length > ${ipHeader + 4 * words} drop`),
    ]),
    chain('arriving', 'type filter hook input priority 0; policy accept;', [jump]),
    chain('leaving', 'type filter hook output priority 0; policy accept;', [jump]),
  ].join('');
}

const HANDSHAKE_CHAINS = { IPv4: handshakeChains(FAMILIES[0]), IPv6: handshakeChains(FAMILIES[1]) };

function passed(what: string, elements: readonly (number | string)[]): readonly string[] {
  return elements.length === 0 ? [] : [`${what} { ${[...new Set(elements)].join(', ')} } return`];
}

function chain(name: string, hook: string | undefined, rules: readonly string[]): string {
  const lines = hook === undefined ? rules : [hook, ...rules];
  return `  chain ${name} {\n    ${lines.join('\n    ')}\n  }\n`;
}
