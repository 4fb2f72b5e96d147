import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, isFound, viewQuery } from '../../../src/status-page/view-query.ts';

test('what cannot be understood counts as not asked', () => {
  const nothing = { text: '', state: undefined, isAll: false };
  for (const query of [undefined, {}, { q: ['a', 'b'], state: 'toString', all: 'yes' }, { state: ['in'] }])
    assert.deepEqual(viewQuery(query), nothing);
  assert.deepEqual(viewQuery({ q: ' web ', state: 'out', all: '1' }), {
    text: 'web',
    state: 'out',
    isAll: true,
  });
  assert.equal(viewQuery({ q: 'x'.repeat(10_000) }).text.length, 253);
});

test('an address leads to the same view', () => {
  const query = { text: 'a&b="c"', state: 'problem', isAll: true } as const;
  assert.deepEqual(viewQuery(Object.fromEntries(new URLSearchParams(addressOf(query)))), query);
  assert.equal(addressOf({ text: '', state: undefined, isAll: false }), '?');
});

test('every word has to be found, in whatever case', () => {
  assert.equal(isFound('shop/web', { text: 'WEB  shop' }), true);
  assert.equal(isFound('shop/api', { text: 'WEB  shop' }), false);
  assert.equal(isFound('', { text: '' }), true);
});
