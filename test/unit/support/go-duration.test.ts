import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatGoDuration, parseGoDuration } from '../../../src/support/go-duration.ts';

// Right: what `time.ParseDuration(left).String()` of Go 1.24 gives.
const spans: readonly (readonly [string, string])[] = [
  ['0', '0s'],
  ['2m', '2m0s'],
  ['1.5s', '1.5s'],
  ['1h30m', '1h30m0s'],
  ['90m', '1h30m0s'],
  ['250ms', '250ms'],
  ['.5us', '500ns'],
  ['1500us', '1.5ms'],
  ['1µs', '1µs'],
  ['100h', '100h0m0s'],
  ['-10s', '-10s'],
  ['1.000000001s', '1.000000001s'],
];

for (const [text, canonical] of spans)
  test(`${text} is ${canonical}`, () => {
    const nanoseconds = parseGoDuration(text);
    assert.ok(nanoseconds !== undefined);
    assert.equal(formatGoDuration(nanoseconds), canonical);
    assert.equal(parseGoDuration(canonical), nanoseconds);
  });

test('what Go refuses is no duration', () => {
  const texts = [
    '',
    '30',
    '1d',
    '1 s',
    's',
    '.s',
    '1.2.3s',
    'Infinity',
    '1e3s',
    '9999999h',
    '1'.repeat(1000),
  ];
  for (const text of texts) assert.equal(parseGoDuration(text), undefined, text);
});
