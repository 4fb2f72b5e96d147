import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidrLookup, embeddedIpv4, isCidr } from '../../../src/support/cidr.ts';

test('a range is an address with a prefix length, or an address', () => {
  for (const range of ['10.0.0.0/8', '10.0.0.1', '0.0.0.0/0', '::/0', 'fd00::/64', '2001:DB8::1/128'])
    assert.ok(isCidr(range), range);
  for (const none of [
    '',
    'x',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0/8',
    '1.1.1.1/8/8',
    'fe80::1%a/64',
  ])
    assert.ok(!isCidr(none), none);
});

const ranges = ['10.244.0.0/16', '10.244.7.9/24', '192.0.2.5', 'fd00:10::/56', '172.16.0.0/12', 'nonsense'];
const rangeOf = cidrLookup(ranges);

for (const [address, range] of [
  ['10.244.255.255', '10.244.0.0/16'],
  ['10.244.7.1', '10.244.7.9/24'],
  ['10.245.0.0', undefined],
  ['192.0.2.5', '192.0.2.5'],
  ['192.0.2.6', undefined],
  ['172.31.255.255', '172.16.0.0/12'],
  ['172.32.0.0', undefined],
  ['fd00:10::1', 'fd00:10::/56'],
  ['FD00:10:0:00ff::1', 'fd00:10::/56'],
  ['fd00:10:0:100::1', undefined],
  ['::', undefined],
  ['db.example', undefined],
] as const)
  test(`${address} is in ${range ?? 'none of them'}`, () => {
    assert.equal(rangeOf(address), range);
  });

test('a range of everything holds everything of its family', () => {
  const everything = cidrLookup(['0.0.0.0/0']);
  assert.deepEqual([everything('255.1.2.3'), everything('::1')], ['0.0.0.0/0', undefined]);
});

for (const [address, inside] of [
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::7f00:1', '127.0.0.1'],
  ['64:ff9b::10.96.0.1', '10.96.0.1'],
  ['2002:a60:1::5', '10.96.0.1'],
  ['fd00::10.96.0.1', undefined],
  ['10.96.0.1', undefined],
] as const)
  test(`traffic to ${address} ends at ${inside ?? 'itself'}`, () => {
    assert.equal(embeddedIpv4(address), inside);
  });
