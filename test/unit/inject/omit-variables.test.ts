import assert from 'node:assert/strict';
import { test } from 'node:test';
import { omitVariables } from '../../../src/inject/omit-variables.ts';
import { readPod } from '../../../src/inject/pod.ts';

const A = '{"name":"A","value":"a"}';
const MARKED = '{"name":"DB_CONNECT_SERVICE_HOST","value":"a"}';

function pod(env: string): string {
  return `{"spec":{"containers":[{"name":"web","env":[${env}]}]}}`;
}

const shortened: Readonly<Record<string, readonly [env: string, left: string]>> = {
  one: [A, '1'],
  several: [`${A},${A},${A}`, '3'],
  'those in front of one of another form': [
    `${A},${A},{"name":"B","valueFrom":{}},${A}`,
    `2,{"name":"B","valueFrom":{}},${A}`,
  ],
  'a value with escapes, and one that looks like an end': [
    String.raw`{"name":"A","value":"\"},{\"name\":\"\u003c\\"},${A}`,
    '2',
  ],
  'a value in any script': ['{"name":"A","value":"größe 尺寸 }],["}', '1'],
};
for (const [name, [env, left]] of Object.entries(shortened))
  test(`left out: ${name}`, () => assert.equal(omitVariables(pod(env)), pod(left)));

const kept: Readonly<Record<string, string>> = {
  'no variables': pod(''),
  'a run with a name that an upstream could give': pod(`${A},${MARKED}`),
  'a name with an escape': pod(String.raw`{"name":"DB\u005fCONNECT_SERVICE_HOST","value":"a"}`),
  'another key': pod('{"name":"A","value":"a","x":1}'),
  'another list': `{"dnsConfig":{"options":[${A}]}}`,
  'the same text in a string': JSON.stringify({ note: pod(A), [`a,"env":[${A}`]: pod(A) }),
};
for (const [name, text] of Object.entries(kept))
  test(`kept: ${name}`, () => assert.equal(omitVariables(text), text));

const wrong: Readonly<Record<string, string>> = {
  'no comma': `${A}${A}`,
  'a comma too many': `${A},`,
  'a line end in a value': '{"name":"A","value":"\n"}',
  'no such escape': String.raw`{"name":"A","value":"\x"}`,
  'half of an escape': String.raw`{"name":"A","value":"\u00"}`,
  'no end': '{"name":"A","value":"a',
};
for (const [name, env] of Object.entries(wrong))
  test(`what is no JSON stays so: ${name}`, () => {
    assert.throws(() => JSON.parse(pod(env)) as unknown, SyntaxError);
    assert.throws(() => JSON.parse(omitVariables(pod(env))) as unknown, SyntaxError);
  });

test('the engine reads the same of a pod, and counts the same', () => {
  for (const env of [A, `${A},${A}`, `${A},{"name":"B","valueFrom":{}},${A}`, `${A},${MARKED}`, '3,{}']) {
    const [whole, short] = [pod(env), omitVariables(pod(env))].map((text) => readPod(JSON.parse(text)));
    assert.deepEqual(short, whole);
  }
});

test('300,000 variables are no more than that', () => {
  const many = pod(Array.from({ length: 300_000 }, () => A).join(','));
  assert.equal(omitVariables(many), pod('300000'));
  // Cut off in its last one.
  const beyond = ']}]}}'.length;
  assert.equal(
    omitVariables(many.slice(0, -2 * beyond)),
    `${pod('299999').slice(0, -beyond)},${A.slice(0, -beyond)}`,
  );
});
