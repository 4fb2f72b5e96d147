import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFilter } from '../../../../src/catalog/config-entries/filter-expression.ts';
import { filters } from './filters.ts';

for (const [expression, isRead] of filters)
  test(`${JSON.stringify(expression)} ${isRead ? 'is' : 'is not'} a filter`, () =>
    assert.equal(readFilter(expression).ok, isRead));

test('the selectors are told, and where the reading ends', () => {
  assert.deepEqual(readFilter('Service.Meta["a b"] == v1 and v2 in Node.Meta'), {
    ok: true,
    selectors: ['Service.Meta["a b"]', 'Node.Meta'],
  });
  assert.deepEqual(readFilter('Service.ID == '), { ok: false, offset: 14 });
});

test('an expression that is nested without end, or that tempts to try everything again, is read at once', () => {
  assert.equal(readFilter('('.repeat(100_000)).ok, false);
  assert.equal(readFilter('not '.repeat(100_000)).ok, false);
  assert.equal(readFilter(`${'('.repeat(40)}a${')'.repeat(40)}`).ok, false);
  assert.equal(readFilter(`a${' '.repeat(100_000)}b`).ok, false);
});
