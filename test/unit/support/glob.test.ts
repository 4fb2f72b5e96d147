import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesGlob } from '../../../src/support/glob.ts';

test('a star is anything, a question mark one character, and all else is itself', () => {
  for (const [pattern, text, expected] of [
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['web-*', 'web-1', true],
    ['web-*', 'web', false],
    ['*-web', 'a-b-web', true],
    ['w?b', 'web', true],
    ['w?b', 'wb', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c', false],
    ['w.b', 'web', false],
    ['[ab]', 'a', false],
    ['*?', '', false],
    ['**', 'x', true],
    ['a*', 'b', false],
  ] as const)
    assert.equal(matchesGlob(pattern, text), expected, `${pattern} ${text}`);
});

test('it agrees with the same pattern as an expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  const plain = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  fc.assert(
    fc.property(text, plain, (pattern, found) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      assert.equal(matchesGlob(pattern, found), expression.test(found));
    }),
  );
});

test('a pattern of many stars takes no time', () => {
  assert.equal(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(5000)), false);
});
