import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptBy, seenBefore } from '../../../src/support/kept.ts';

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
  const keep = keptBy<{ readonly name: string }>({
    prepare: (made) => {
      prepared.push(made.name);
      return made;
    },
  });
  const owner = {};
  for (const key of ['short', 'short', 'x'.repeat(10_000)]) keep(owner, key, () => ({ name: key }));
  assert.deepEqual(prepared, ['short']);
});

test('what is too large is not kept, and makes no room of what is', () => {
  const keep = keptBy<string>({ longestKey: 4, fits: (made) => made.length < 4 });
  const owner = {};
  const ask = (key: string, made: string): string => keep(owner, key, () => made);
  assert.deepEqual([ask('a', 'one'), ask('a', 'two')], ['one', 'one']);
  assert.deepEqual([ask('b', 'large'), ask('b', 'two')], ['large', 'two']);
  assert.deepEqual([ask('a key', 'one'), ask('a key', 'two')], ['one', 'two']);
});

test('a key is seen from the second time on, by each owner for itself, and lately', () => {
  const isSeen = seenBefore(4);
  const [one, other] = [{}, {}];
  assert.deepEqual([isSeen(one, 'a'), isSeen(one, 'a'), isSeen(other, 'a')], [false, true, false]);
  assert.deepEqual([isSeen(one, 'a key'), isSeen(one, 'a key')], [false, false]);
  const keys = Array.from({ length: 10_000 }, (_, index) => `${index}`.padStart(4, '0'));
  for (const key of keys) isSeen(other, key);
  const seen = keys.filter((key) => isSeen(other, key)).length;
  assert.ok(seen <= 400, `${seen} are seen`);
});
