/** Which config entries are written now: neither many objects of one namespace nor refused ones hold up others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntryChange } from '../../../src/catalog/config-entries/entry-plan.ts';
import { dueEntries } from '../../../src/controllers/due-entries.ts';
import { createEntryMemory, type EntryMemory } from '../../../src/controllers/entry-memory.ts';
import { planOf, removalOf, writeOf } from './entry-changes.ts';

const many = (count: number, generation = 1) =>
  Array.from({ length: count }, (_each, at) => writeOf('ServiceRouter', `crowd/r${at}`, generation));
const mine = writeOf('ServiceRouter', 'shop/web');
const keysOf = (changes: readonly EntryChange[]): readonly string[] => changes.map(({ key }) => key);

/** A minute in which Consul refused all of these. */
function refusing(changes: readonly EntryChange[]): { memory: EntryMemory; pass: (ms: number) => void } {
  let now = 0;
  const memory = createEntryMemory(() => now);
  for (const change of changes) memory.refused(change, 'no');
  return { memory, pass: (ms) => (now += ms) };
}

test('who has few changes does not wait for who has many, and nothing is forgotten', () => {
  const { memory } = refusing([]);
  const { now, left } = dueEntries(planOf([...many(1000), mine]), memory);
  assert.equal(now.length, 128);
  assert.ok(now.includes(mine));
  assert.equal(now.length + left.length, 1001);
});

test('what was refused is not sent while nothing changes, and again after a minute', () => {
  const { memory, pass } = refusing([mine]);
  assert.deepEqual(dueEntries(planOf([mine]), memory), { now: [], left: [] });
  assert.equal(memory.retryDue(), 60_000);
  pass(60_000);
  assert.deepEqual(dueEntries(planOf([mine]), memory).now, [mine]);
});

test('an object that was edited since it was refused is sent at once', () => {
  const { memory } = refusing([mine]);
  const edited = writeOf('ServiceRouter', 'shop/web', 2);
  assert.deepEqual(dueEntries(planOf([edited]), memory).now, [edited]);
});

test('when an entry changes, a thousand refused objects are asked about again little by little, those of few objects first', () => {
  const crowd = many(1000);
  const { memory, pass } = refusing([...crowd, mine]);
  memory.changed();
  const first = dueEntries(planOf([...crowd, mine]), memory).now;
  assert.equal(first.length, 16);
  assert.equal(first[0], mine);
  pass(1);
  for (const change of first) memory.refused(change, 'no');
  memory.changed();
  assert.deepEqual(dueEntries(planOf([...crowd, mine]), memory).now, [], 'not within the same second');
  assert.equal(memory.retryDue(), 1001);
  pass(1000);
  const second = dueEntries(planOf(crowd), memory).now;
  assert.equal(second.length, 16);
  assert.ok(!second.some((change) => first.includes(change)), 'the others have their turn');
});

test('removals go in an order that Consul accepts, also when they are more than are tried at once', () => {
  const { memory } = refusing([]);
  const removals = [
    ...Array.from({ length: 100 }, (_each, at) => removalOf('ServiceDefaults', `shop/r${at}`)),
    ...Array.from({ length: 100 }, (_each, at) => removalOf('ServiceRouter', `shop/r${at}`)),
  ];
  const { now } = dueEntries(planOf([], removals), memory);
  assert.equal(now.filter(({ kind }) => kind.kind === 'ServiceRouter').length, 100);
});

test('a removal that waits for a write comes with it, and never alone', () => {
  const old = removalOf('ServiceRouter', 'shop/old', mine.key);
  const { memory } = refusing([mine]);
  assert.deepEqual(dueEntries(planOf([mine], [old]), memory), { now: [], left: [] });
  memory.changed();
  assert.deepEqual(keysOf(dueEntries(planOf([mine], [old]), memory).now), [mine.key, old.key]);
});

test('a refused removal that waits for a refused write is no reason to look again before that write is due', () => {
  const old = removalOf('ServiceRouter', 'shop/old', mine.key);
  const { memory, pass } = refusing([mine, old]);
  memory.changed();
  assert.deepEqual(keysOf(dueEntries(planOf([mine], [old]), memory).now), [mine.key, old.key]);
  memory.refused(mine, 'no');
  pass(1000);
  assert.deepEqual(dueEntries(planOf([mine], [old]), memory).now, []);
  assert.equal(memory.retryDue(), 60_000);
});
