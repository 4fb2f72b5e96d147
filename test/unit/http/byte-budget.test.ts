import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteBudget } from '../../../src/http/byte-budget.ts';

function budgetOf(limit: number) {
  const gone: string[] = [];
  const time = { now: 0 };
  const budget = byteBudget(limit, () => time.now);
  const hold = (name: string, declared = 0) => budget.hold(declared, () => gone.push(name));
  return { budget, gone, time, hold };
}

test('an ordinary request finds room among large ones, of which the newest goes', () => {
  const { budget, gone, hold } = budgetOf(32);
  for (const name of ['a', 'b', 'c', 'd']) hold(name, 7).set(7);
  hold('e', 7).set(4);
  assert.deepEqual([gone, budget.bytes()], [[], 32]);
  hold('innocent', 1).set(1);
  assert.deepEqual([gone, budget.bytes()], [['e'], 29]);
});

test('what is to come counts as much as what is there', () => {
  const { gone, hold } = budgetOf(10);
  hold('declares much', 9).set(1);
  hold('chunked').set(8);
  hold('innocent', 2).set(2);
  assert.deepEqual(gone, ['declares much']);
});

test('many that are small and stall go before a larger one that has just come', () => {
  const { gone, time, hold } = budgetOf(100);
  hold('headers only', 3);
  for (let index = 0; index < 50; index += 1) hold(`stalls-${index}`, 3).set(2);
  time.now = 1001;
  hold('innocent', 5).set(5);
  assert.deepEqual(gone, ['stalls-0', 'stalls-1', 'stalls-2']);
});

test('what is released gives room, once', () => {
  const { budget, gone, hold } = budgetOf(10);
  const first = hold('first');
  first.set(10);
  first.release();
  first.release();
  first.set(10);
  assert.equal(budget.bytes(), 0);
  hold('second').set(10);
  assert.deepEqual([gone, budget.bytes()], [[], 10]);
});
