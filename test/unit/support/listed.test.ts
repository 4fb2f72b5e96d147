import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstOf, listed } from '../../../src/support/listed.ts';

test('names are listed up to a number, and the others are counted', () => {
  assert.equal(listed([], 2), '');
  assert.equal(listed(['a', 'b'], 2), 'a, b');
  assert.equal(listed(['a', 'b', 'c', 'd', 'e'], 2), 'a, b and 3 more');
});

test('only the items that are shown are put into words', () => {
  const asked: number[] = [];
  const show = (item: number): string => {
    asked.push(item);
    return `<${item}>`;
  };
  const more = (left: number): string => `${left} more`;
  assert.deepEqual(firstOf([1, 2], 2, show, more), ['<1>', '<2>']);
  assert.deepEqual(firstOf([1, 2, 3, 4], 2, show, more), ['<1>', '<2>', '2 more']);
  assert.deepEqual(asked, [1, 2, 1, 2]);
});
