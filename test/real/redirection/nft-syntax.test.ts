import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { LARGEST_UID, LONGEST_LIST } from '../../../src/redirection/options.ts';
import { LARGEST_PORT } from '../../../src/support/port.ts';
import { redirectRules } from '../../../src/redirection/rules.ts';
import type { Cidr } from '../../../src/support/cidr.ts';
import { enterOwnNetwork } from '../harness/pod-network.ts';

enterOwnNetwork();

const port = fc.integer({ min: 1, max: LARGEST_PORT });
const ports = fc.array(port, { maxLength: 20 });

function cidrs(family: 'IPv4' | 'IPv6'): fc.Arbitrary<Cidr> {
  return fc
    .integer({ min: 0, max: family === 'IPv4' ? 32 : 128 })
    .chain((length) =>
      fc.bigInt({ min: 0n, max: (1n << BigInt(length)) - 1n }).map((prefix) => ({ family, length, prefix })),
    );
}

const options = fc.record({
  inboundPorts: ports,
  outboundPorts: ports,
  outboundCidrs: fc.array(fc.oneof(cidrs('IPv4'), cidrs('IPv6')), { maxLength: 20 }),
  uids: fc.array(fc.integer({ min: 0, max: LARGEST_UID }), { maxLength: 20 }),
  handshakes: fc.array(fc.record({ port, to: port }), { maxLength: 9 }),
  dnsPort: fc.option(port, { nil: undefined }),
});

function check(rules: string): { readonly status: number | null; readonly stderr: string } {
  return spawnSync('nft', ['-c', '-f', '-'], { input: rules, encoding: 'utf8' });
}

// As one text: they define the same tables again and again, and a process for each would take seconds.
test('the kernel takes the rules of any options', () => {
  const { status, stderr } = check(fc.sample(options, 100).map(redirectRules).join(''));
  assert.equal(status, 0, stderr);
});

test('and those of the longest lists, all in a moment', () => {
  const numbers = Array.from({ length: LONGEST_LIST }, (_, index) => index + 1);
  const longest = redirectRules({
    inboundPorts: numbers,
    outboundPorts: numbers,
    uids: numbers,
    dnsPort: 8600,
    outboundCidrs: numbers.map((each) => ({ family: 'IPv6', length: 128, prefix: BigInt(each) * 1000n })),
    handshakes: numbers.map((each) => ({ port: each, to: each })),
  });
  const { status, stderr } = check(longest);
  assert.equal(status, 0, stderr);
});

test('what is wrong is refused', () => {
  assert.notEqual(check('table ip tandem { chain inbound { tcp dport { 70000 } return; } }').status, 0);
});
