import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptBy } from '../../../src/support/kept.ts';

test('an equal key of the same owner gives what was made for it', () => {
  const keep = keptBy<object>();
  const owner = {};
  const first = keep(owner, 'a', () => ({}));
  assert.equal(keep(owner, 'a', assert.fail), first);
  assert.notEqual(
    keep(owner, 'b', () => ({})),
    first,
  );
  assert.notEqual(
    keep({}, 'a', () => ({})),
    first,
  );
});

test('what strangers ask for is not kept without end', () => {
  const keep = keptBy<object>();
  const owner = {};
  let made = 0;
  const ask = (key: string): object =>
    keep(owner, key, () => {
      made += 1;
      return {};
    });
  const long = 'x'.repeat(10_000);
  assert.notEqual(ask(long), ask(long));
  const keys = Array.from({ length: 10_000 }, (_, index) => `${index}`);
  for (const key of keys) ask(key);
  made = 0;
  for (const key of keys) ask(key);
  assert.ok(keys.length - made <= 100, `${keys.length - made} are kept`);
});

test('what is not kept is not prepared for it either', () => {
  const prepared: string[] = [];
  const keep = keptBy<{ readonly name: string }>((made) => {
    prepared.push(made.name);
    return made;
  });
  const owner = {};
  for (const key of ['short', 'short', 'x'.repeat(10_000)]) keep(owner, key, () => ({ name: key }));
  assert.deepEqual(prepared, ['short']);
});
