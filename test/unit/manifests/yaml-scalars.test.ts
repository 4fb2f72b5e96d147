/** The table was made from go.yaml.in/yaml/v2, which kubectl reads with; `resolve.go` says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocuments } from '../../../src/manifests/read-documents.ts';
import { blockLines } from '../../../src/manifests/render.ts';
import { plainValue, type PlainValue } from '../../../src/manifests/yaml-scalars.ts';

const table: readonly (readonly [PlainValue, readonly string[]])[] = [
  [true, ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']],
  [false, ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']],
  [null, ['', '~', 'null', 'Null', 'NULL']],
  [420, ['0644', '0o644', '0O644', '0_644', '0x1a4', '0X1A4', '0b110100100', '420', '+420', '4_2_0_']],
  [-8, ['-010', '-0o10', '-8', '-0x8', '-0b1000']],
  [0, ['0', '00', '-0', '0_']],
  // Not octal, so a float.
  [8, ['08', '8.0', '8.', '8e0', '.8e1', '0_8']],
  [1000, ['1_000', '1e3', '1E+3', '+1e3']],
  [Infinity, ['.inf', '.Inf', '.INF', '+.inf']],
  [-Infinity, ['-.inf']],
];

for (const [value, texts] of table)
  for (const text of texts)
    test(`${JSON.stringify(text)} is ${value}`, () => assert.equal(plainValue(text), value));

const words = [
  'yEs',
  'oN',
  'nULL',
  'tRUE',
  '1:30',
  '190:20:30',
  '2001-12-14',
  '0x',
  '0xfg',
  '1e',
  '._5',
  '_1',
  '.5_0',
  '1e999',
  '1.2.3',
  'nan',
  'inf',
  '+',
  '-',
  '<<',
  'ye',
  '0o8',
  '--1',
];
for (const text of words) test(`${JSON.stringify(text)} is text`, () => assert.equal(plainValue(text), text));

function valueOf(text: string): unknown {
  const read = readDocuments(text);
  return read.ok ? read.documents[0]?.value : assert.fail(read.message);
}

test('quotes and tags say what a scalar is, and keys are scalars too', () => {
  assert.deepEqual(
    valueOf(`
quoted: ["yes", 'no', "012", "~"]
block: |-
  yes
tagged: [!!str yes, !!bool "on", !!int "0x10", !!float 3, !!str 012, !own yes, !!binary aGk=, !!timestamp 2001-01-01]
on: key
0x10: key
"on": key
`),
    {
      quoted: ['yes', 'no', '012', '~'],
      block: 'yes',
      tagged: ['yes', true, 16, 3, '012', 'yes', 'hi', '2001-01-01'],
      true: 'key',
      16: 'key',
      on: 'key',
    },
  );
  assert.equal(readDocuments('a: !!int yes').ok, false);
});

test('a merge overrides the keys before it, and is overridden by those after it', () => {
  const text = 'base: &b {x: 1, y1: 1}\nmore: &m {x: 2, z: 2}\nuse: {x: 0, <<: [*b, *m], z: 0}\n';
  assert.deepEqual((valueOf(text) as { use: object }).use, { x: 1, y1: 1, z: 0 });
  assert.deepEqual(valueOf('{"<<": {a: 1}}'), { '<<': { a: 1 } });
});

test('a key that stands twice is an error with its place', () => {
  const read = readDocuments('a: 1\nb: 2\na: 3\n');
  assert.deepEqual([read.ok, read.ok || read.line], [false, 3]);
});

test('what is written as text is read as text again', () => {
  const texts = [...table.flatMap(([, all]) => all), ...words];
  const style = { indent: 2, indentSeq: true, jsonUnit: undefined, isTight: false };
  assert.deepEqual(valueOf(blockLines({ list: texts }, style, 0).join('\n')), { list: texts });
  const keys = Object.fromEntries(texts.map((text) => [text, text]));
  assert.deepEqual(valueOf(blockLines(keys, style, 0).join('\n')), keys);
});
