import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createDeletionGuard,
  MANY_AT_ONCE,
  UNANNOUNCED,
  type DeletionGuard,
  type DeletionPolicy,
} from '../../../src/reconcile/deletion-guard.ts';

const NOW = 5000;
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `web-${index}`);

function guardOf(policy: DeletionPolicy): {
  readonly guard: DeletionGuard;
  readonly told: readonly unknown[];
} {
  const told: unknown[] = [];
  const guard = createDeletionGuard({ elapsed: () => NOW }, policy, {
    guarded: (waiting) => told.push(waiting),
    released: () => told.push('released'),
  });
  return { guard, told };
}

const guarded: readonly [removals: number, owned: number, kind: string, limit: number][] = [
  [0, 0, 'apply', 10],
  [10, 10, 'apply', 10],
  [11, 11, 'confirm', 10],
  [11, 36, 'confirm', 10],
  [11, 37, 'apply', 11],
  [30, 100, 'apply', 30],
  [31, 100, 'confirm', 30],
  [31, 103, 'confirm', 30],
];

for (const [removals, owned, kind, limit] of guarded) {
  test(`removing ${removals} of ${owned}: ${kind}`, () => {
    const { guard, told } = guardOf(MANY_AT_ONCE);
    const { size } = guard.withheld(many(removals), owned, false);
    assert.equal(size, kind === 'apply' ? 0 : removals);
    assert.deepEqual(told, kind === 'apply' ? [] : [{ removals, limit, owned }]);
    assert.equal(guard.due(), kind === 'apply' ? undefined : NOW + 10_000);
  });
}

for (const count of [50, 20, 80]) {
  test(`a second plan that says the same is applied, also with a few removals more: ${count}`, () => {
    const { guard, told } = guardOf(MANY_AT_ONCE);
    assert.equal(guard.withheld(many(50), 100, false).size, 50);
    assert.equal(guard.withheld(many(count), 100, true).size, 0);
    assert.equal(told[1], 'released');
    assert.equal(guard.due(), undefined);
  });
}

test('a second plan that removes much else must be confirmed itself', () => {
  const { guard, told } = guardOf(MANY_AT_ONCE);
  guard.withheld(many(50), 100, false);
  assert.equal(guard.withheld(many(81), 100, true).size, 81);
  assert.deepEqual(told[1], { removals: 31, limit: 30, owned: 100 });
  assert.equal(guard.withheld(many(81), 100, true).size, 0);
});

test('while deletions wait, nothing is deleted by what was read before, however little it is', () => {
  const { guard } = guardOf(MANY_AT_ONCE);
  guard.withheld(many(50), 100, false);
  assert.deepEqual([...guard.withheld(['one'], 100, false)], ['one']);
  assert.equal(guard.withheld(many(50), 100, true).size, 0, 'and what waits is what was seen first');
});

test('what nobody announced: each deletion waits, and goes when it is confirmed, whatever else came meanwhile', () => {
  const { guard } = guardOf(UNANNOUNCED);
  assert.deepEqual([...guard.withheld(['a', 'b'], 0, false)], ['a', 'b']);
  assert.deepEqual([...guard.withheld(['b', 'c'], 0, true)], ['c']);
  assert.deepEqual([...guard.withheld(['c'], 0, true)], []);
  assert.equal(guard.due(), undefined);
});
