import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PatchOperation } from '../../../src/support/json-patch.ts';
import { patchInBase64, shared } from '../../../src/support/shared-json.ts';

function add(value: unknown, path = '/spec/initContainers'): PatchOperation {
  return { op: 'add', path, value };
}

const script = shared(['sh', '-c', 'echo "\u00e9\u{1f600}"\n']);
const container = shared({ name: 'proxy', securityContext: { capabilities: { drop: ['ALL'] } } });

const patches: Readonly<Record<string, readonly PatchOperation[]>> = {
  empty: [],
  'texts only': [add('a', '/metadata/labels/a~1b'), add(1), add(null), add(true)],
  removals: [{ op: 'remove', path: '/a' }, add('b'), { op: 'remove', path: '/c' }],
  'a replacement': [{ op: 'replace', path: '/a', value: container }],
  'nothing shared': [add({ name: 'a', list: [{ deep: { er: [] } }] }), add([[], {}, '', [{}]])],
  'a shared value': [add('before'), add(container), add('between'), add(script), add('behind')],
  'elements of a list': [add([container, { name: 'own' }, container, 'text', null])],
  'fields of an element': [add([{ name: 'init', command: script, env: [{ name: 'A', value: '"' }] }])],
  'fields that are not there': [
    add([{ a: undefined, b: undefined }, { a: undefined, command: script }, undefined]),
  ],
  'keys of every kind': [add({ '"\n': 1, '\u2028\u{1f600}': script, __proto__: null })],
  'what is not well formed': [add('\ud800'), add({ text: '\udc00' })],
  'no room for a text': [add([container]), add('\u20ac'.repeat(30_000)), add('end')],
  'no room for what is shared': Array.from({ length: 1000 }, () => add([container])),
};

for (const [name, patch] of Object.entries(patches))
  test(`a patch as JSON.stringify has it: ${name}`, () => {
    const json = Buffer.from(patchInBase64(patch), 'base64').toString();
    assert.equal(json, Buffer.from(JSON.stringify(patch)).toString());
  });

test('a patch that has no room is hardly begun before it is written as a whole', () => {
  let written = 0;
  const value = { toJSON: () => (written += 1) };
  patchInBase64(Array.from({ length: 5000 }, () => add([value, 'x'.repeat(100)])));
  assert.ok(written < 6000, `${written} values`);
});

test('what is shared cannot be changed, however deep', () => {
  assert.throws(() => Object.assign(container, { name: 'another' }), TypeError);
  assert.throws(() => container.securityContext.capabilities.drop.push('NET_RAW'), TypeError);
});
