import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasMoreValues } from '../../../src/admission/json-values.ts';

const countOf = (value: unknown): number => {
  const json = Buffer.from(JSON.stringify(value));
  let most = 0;
  while (hasMoreValues(json, most)) most += 1;
  return most;
};

test('objects, lists and commas count', () => {
  assert.equal(countOf({ a: [1, 2, {}], b: null }), 6);
  assert.equal(countOf('x'), 0);
});

test('what stands in strings does not', () => {
  assert.equal(countOf({ '{[,"': 'x,[{\\",', b: '\\' }), 2);
});
