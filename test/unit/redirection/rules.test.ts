import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redirectRules } from '../../../src/redirection/rules.ts';
import { optionsOf } from './sample-options.ts';

const SIDECAR = optionsOf({ inboundPorts: [20_200, 20_600], uids: [5995] });

function familyOf(rules: string, table: 'ip' | 'ip6'): string {
  return rules.split(/(?=table ip6 tandem\ndelete)/)[table === 'ip' ? 0 : 1] ?? '';
}

test('without exclusions all TCP of both families is redirected', () => {
  const rules = redirectRules(SIDECAR);
  for (const table of ['ip', 'ip6'] as const)
    assert.equal(
      familyOf(rules, table),
      `table ${table} tandem
delete table ${table} tandem
table ${table} tandem {
  chain inbound {
    type nat hook prerouting priority dstnat; policy accept;
    tcp dport { 20200, 20600 } return
    meta l4proto tcp redirect to :20000
  }
  chain outbound {
    type nat hook output priority -100; policy accept;
    meta skuid { 5995 } return
    oifname "lo" return
    meta l4proto tcp redirect to :15001
  }
}
`,
    );
});

test('what is asked for adds its lines, each family its own', () => {
  const rules = redirectRules({
    ...optionsOf({
      outboundCidrs: ['203.0.113.0/24', '2001:db8:2::/48'],
      handshakes: [{ port: 20_401, to: 9090 }],
    }),
    inboundPorts: [20_200],
    outboundPorts: [8200],
    uids: [5995, 100],
    dnsPort: 8600,
  });
  const ipv4 = `table ip tandem
delete table ip tandem
table ip tandem {
  chain inbound {
    type nat hook prerouting priority dstnat; policy accept;
    tcp dport 20401 ct mark set 0x7d5eed redirect to :9090
    tcp dport { 20200 } return
    meta l4proto tcp redirect to :20000
  }
  chain outbound {
    type nat hook output priority -100; policy accept;
    meta skuid { 5995, 100 } return
    ip daddr 127.0.0.1 meta l4proto { tcp, udp } th dport 53 redirect to :8600
    oifname "lo" return
    tcp dport { 8200 } return
    ip daddr { 203.0.113.0/24 } return
    meta l4proto tcp redirect to :15001
  }
  chain handshake {
    ip hdrlength != 5 drop
    tcp doff 5 meta length > 40 drop
    tcp doff 6 meta length > 44 drop
    tcp doff 7 meta length > 48 drop
    tcp doff 8 meta length > 52 drop
    tcp doff 9 meta length > 56 drop
    tcp doff 10 meta length > 60 drop
    tcp doff 11 meta length > 64 drop
    tcp doff 12 meta length > 68 drop
    tcp doff 13 meta length > 72 drop
    tcp doff 14 meta length > 76 drop
    tcp doff 15 meta length > 80 drop
  }
  chain arriving {
    type filter hook input priority 0; policy accept;
    ct mark 0x7d5eed jump handshake
  }
  chain leaving {
    type filter hook output priority 0; policy accept;
    ct mark 0x7d5eed jump handshake
  }
}
`;
  const ipv6 = ipv4
    .replaceAll('table ip ', 'table ip6 ')
    .replace('ip daddr 127.0.0.1', 'ip6 daddr ::1')
    .replace('ip daddr { 203.0.113.0/24 }', 'ip6 daddr { 2001:db8:2:0:0:0:0:0/48 }')
    .replace('ip hdrlength != 5', 'ip6 nexthdr != tcp')
    .replaceAll(/> (\d+) drop/g, (_, length) => `> ${Number(length) + 20} drop`);
  assert.equal(rules, ipv4 + ipv6);
});

test('a pod that waits for its redirection sees it, whatever is excluded', () => {
  const look = {
    ip: 'ip daddr 192.0.2.1 tcp dport 1 redirect',
    ip6: 'ip6 daddr 2001:db8::1 tcp dport 1 redirect',
  };
  for (const [excluded, inIpv4, inIpv6] of [
    [{}, false, false],
    [{ outboundPorts: [1] }, true, true],
    [{ outboundCidrs: ['::/0'] }, false, true],
    [{ outboundCidrs: ['192.0.2.1'] }, true, false],
    [{ outboundCidrs: ['192.0.2.2', '2001:db9::/32'] }, false, false],
  ] as const) {
    const rules = redirectRules(optionsOf(excluded));
    assert.equal(familyOf(rules, 'ip').includes(look.ip), inIpv4);
    assert.equal(familyOf(rules, 'ip6').includes(look.ip6), inIpv6);
  }
});

test('networks that overlap are merged, and ports named twice', () => {
  const rules = redirectRules(
    optionsOf({
      outboundCidrs: [
        '10.1.0.0/16',
        '10.0.0.0/8',
        '10.0.0.0/8',
        '11.0.0.0/8',
        '2001:db8::1',
        '::/0',
        '10.255.255.255',
      ],
      outboundPorts: [80, 443, 80],
    }),
  );
  assert.match(familyOf(rules, 'ip'), /ip daddr \{ 10\.0\.0\.0\/8, 11\.0\.0\.0\/8 \} return/);
  assert.match(familyOf(rules, 'ip6'), /ip6 daddr \{ 0:0:0:0:0:0:0:0\/0 \} return/);
  assert.match(rules, /tcp dport \{ 80, 443 \} return/);
});
