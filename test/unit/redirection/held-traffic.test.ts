import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingRedirection } from '../../../src/redirection/held-traffic.ts';

for (const [IPv4, IPv6, missing] of [
  ['held', 'held', undefined],
  ['held', 'no-network', undefined],
  ['no-network', 'held', undefined],
  ['held', 'open', 'its IPv6 traffic is not redirected'],
  ['open', 'held', 'its IPv4 traffic is not redirected'],
  ['held', 'unknown', 'its IPv6 traffic is not redirected'],
  ['open', 'open', 'its IPv4 and IPv6 traffic is not redirected'],
  ['open', 'no-network', 'its IPv4 traffic is not redirected'],
  ['unknown', 'unknown', 'its IPv4 and IPv6 traffic is not redirected'],
  ['no-network', 'no-network', 'it has no network'],
] as const)
  test(`IPv4 ${IPv4}, IPv6 ${IPv6}: ${missing ?? 'redirected'}`, () => {
    assert.equal(missingRedirection({ IPv4, IPv6 }), missing);
  });
