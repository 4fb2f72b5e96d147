import assert from 'node:assert/strict';
import { test } from 'node:test';
import { earliest } from '../../../src/support/earliest.ts';

test('the smallest moment of those that there are, however many', () => {
  assert.equal(earliest([undefined, 3, 0, 2]), 0);
  assert.equal(earliest([undefined]), undefined);
  assert.equal(
    earliest(new Map(Array.from({ length: 300_000 }, (_, index) => [index, index + 1])).values()),
    1,
  );
});
