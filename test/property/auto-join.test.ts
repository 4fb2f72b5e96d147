import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAutoJoin } from '../../src/discovery/auto-join.ts';
import { parseKeyValues } from '../../src/discovery/key-values.ts';

// Strings made of the grammar's own pieces reach far deeper than random ones.
const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '=',
        '"',
        '\\',
        ' ',
        'provider',
        'k8s',
        'namespace',
        'label_selector',
        '__proto__',
        '\n',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

test('whatever the text is, it is parsed or refused in words', () => {
  fc.assert(
    fc.property(pieces, (text) => {
      const parsed = parseAutoJoin(text);
      if (!parsed.ok) assert.match(parsed.problem, /: ./);
    }),
    { numRuns: 5000 },
  );
});

const words = fc.oneof(pieces, fc.string({ minLength: 1, unit: 'grapheme' }));
const spaces = fc.constantFrom('', ' ', '  ');

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;
}

/** Without quotes where that is the same. */
function written(text: string, isBare: boolean): string {
  return isBare && /^[^\s="]+$/.test(text) ? text : quoted(text);
}

test('what is written down is read back, with quotes or without, whatever the spaces are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.record({ key: words, value: words, isBare: fc.boolean(), before: spaces, after: spaces }),
        {
          selector: ({ key }) => key,
          maxLength: 6,
        },
      ),
      (pairs) => {
        const text = pairs
          .map(
            ({ key, value, isBare, before, after }) =>
              `${written(key, isBare)}${before}=${after}${written(value, isBare)}`,
          )
          .join(' ');
        assert.deepEqual(parseKeyValues(text), {
          ok: true,
          values: new Map(pairs.map(({ key, value }) => [key, value])),
        });
      },
    ),
    { numRuns: 2000 },
  );
});
