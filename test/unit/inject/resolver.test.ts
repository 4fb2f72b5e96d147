import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolver } from '../../../src/inject/resolver.ts';

for (const [what, text, expected] of [
  ['an empty file', '', { nameservers: [], searches: [], options: [] }],
  [
    'one of the kubelet',
    'search a.svc.x svc.x\nnameserver 10.0.0.10\nnameserver fd00::10\noptions ndots:5\n',
    {
      nameservers: ['10.0.0.10', 'fd00::10'],
      searches: ['a.svc.x', 'svc.x'],
      options: [{ name: 'ndots', value: '5' }],
    },
  ],
  [
    'comments, spaces, two search lists, and options without a value',
    '# nameserver 1.1.1.1\n; x\n  search a\nsearch  b \tc\noptions edns0 timeout:1\r\noptions trust-ad\nnameserver\n',
    {
      nameservers: [],
      searches: ['b', 'c'],
      options: [{ name: 'edns0' }, { name: 'timeout', value: '1' }, { name: 'trust-ad' }],
    },
  ],
] as const)
  test(`resolv.conf: ${what}`, () => assert.deepEqual(parseResolver(text), expected));
