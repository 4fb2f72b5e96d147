import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameObjects, objectName } from '../../../../src/catalog/to-kubernetes/object-name.ts';

const nobody = (): undefined => undefined;

test('names that Kubernetes takes stay, others are made legal', () => {
  for (const [prefix, service, name, isExact] of [
    ['', 'web', 'web', true],
    ['', 'Web', 'web', true],
    ['c-', 'web', 'c-web', true],
    ['', 'a_b', 'a-b', false],
    ['', 'a..b', 'a-b', false],
    ['', '-a-', 'a', false],
    ['', '9lives', 'consul-9lives', false],
    ['x', '9lives', 'x9lives', true],
    ['', 'a'.repeat(63), 'a'.repeat(63), true],
  ] as const)
    assert.deepEqual(objectName(prefix, service), { name, isExact }, service);
  assert.equal(objectName('', '__'), undefined);
  for (const hostile of ['a\u001b[2Jb', 'a\u202eb']) {
    assert.equal(objectName('', hostile), undefined);
    const { names, problems } = nameObjects([hostile], '', nobody);
    assert.equal(names.size, 0);
    assert.match(
      problems[0]?.message ?? '',
      /^"a\\u[0-9a-f]{4}.*b" holds a control character; register it under another name$/,
    );
  }
  for (const step of ['.', '..']) {
    assert.equal(objectName('x', step), undefined);
    const [problem] = nameObjects([step], '', nobody).problems;
    assert.match(problem?.message ?? '', /is a step in the path of a URL.*; register it under another name$/);
  }
});

test('a name that is too long is cut, and two that differ at the end stay two', () => {
  const [one, two] = ['a', 'b'].map((end) => objectName('', `${'x'.repeat(80)}${end}`));
  assert.ok(one && two);
  assert.equal(one.name.length, 63);
  assert.notEqual(one.name, two.name);
});

test('every name that is made is one that the API server takes', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 5 }), fc.string({ unit: 'grapheme' }), (prefix, service) => {
      const made = objectName(prefix, service);
      if (made !== undefined) assert.match(made.name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }),
  );
});

test('of two that would have one name the exact one has it, and the other is reported', () => {
  const { names, problems } = nameObjects(['a_b', 'a-b'], '', nobody);
  assert.deepEqual([...names], [['a-b', 'a-b']]);
  assert.deepEqual(
    problems.map(({ reason, service }) => [reason, service]),
    [['name-ambiguous', 'a_b']],
  );
});

test('of two that both need another name the one that has the Service keeps it; else none gets it', () => {
  assert.equal(nameObjects(['a_b', 'a.b'], '', nobody).names.size, 0);
  assert.equal(nameObjects(['a_b', 'a.b'], '', nobody).problems.length, 2);
  const { names, problems } = nameObjects(['a_b', 'a.b'], '', () => 'a.b');
  assert.deepEqual([...names], [['a.b', 'a-b']]);
  assert.deepEqual(
    problems.map(({ service }) => service),
    ['a_b'],
  );
});

test('a name of which nothing is left is reported', () => {
  assert.deepEqual(
    nameObjects(['__'], '', nobody).problems.map(({ reason }) => reason),
    ['name-illegal'],
  );
});
