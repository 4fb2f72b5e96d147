import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  escapeControl,
  escapeJson,
  hasControlInLines,
  oneLine,
  quote,
  quoteSentence,
} from '../../../src/support/text.ts';

test('a piece is cut where a message stays readable, what a server says only where it has no end', () => {
  const name = 'x'.repeat(253);
  const said = `endpointslices.discovery.k8s.io "${name}" is forbidden: User "system:serviceaccount:tandem:tandem-sync" cannot patch resource "endpointslices" in API group "discovery.k8s.io" in the namespace "from-consul"`;
  assert.equal(JSON.parse(quoteSentence(said)), said);
  assert.match(quote(said), /^"endpointslices.*"…$/);
  assert.ok(quote(said).length < 100);
  assert.ok(quoteSentence('\n'.repeat(10_000)).length < 1300);
});

test('a terminal shows what it would obey, and every other character stays', () => {
  const shown = escapeControl('a\u001b]0;t\u0007\nb\t\u009b\u202e\u2028\u007f é漢😀"\\');
  assert.equal(shown, 'a\\x1b]0;t\\x07\\x0ab\\x09\\x9b\\u{202e}\\u{2028}\\x7f é漢😀"\\');
  assert.equal(quote('\u009b\u202e'), '"\\u009b\\u202e"');
});

test('lines become one, and a terminal shows what it would obey of them', () => {
  assert.equal(oneLine('a:\r\n\t* b\n\nc\td\u009b'), 'a: * b c\\x09d\\x9b');
});

test('tabs and line ends are of a text with lines, a carriage return alone is not', () => {
  for (const text of ['a\tb', 'a\nb', 'a\r\n\tb\r\n'])
    assert.equal(hasControlInLines(text), false, quote(text));
  for (const text of ['a\rb', 'a\n\rb', 'a\r\r\nb', 'a\u001b'])
    assert.equal(hasControlInLines(text), true, quote(text));
});

test('escaped JSON means the same', () => {
  const value = { 'a\u202e': ['\u009b\u007f\u2028\n\u001b', 'é😀'] };
  const json = escapeJson(JSON.stringify(value, null, 2));
  assert.deepEqual(JSON.parse(json), value);
  assert.equal(escapeControl(json.replaceAll('\n', '')), json.replaceAll('\n', ''));
});
