import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGroups } from '../../../src/support/groups.ts';

test('a group is there for as long as it holds something', () => {
  const groups = createGroups<number>();
  groups.put('a', 'x', 1);
  groups.put('a', 'y', 2);
  groups.put('a', 'x', 3);
  groups.put('b', 'x', 4);
  assert.deepEqual(
    [...groups.of('a')],
    [
      ['x', 3],
      ['y', 2],
    ],
  );
  groups.remove('a', 'x');
  groups.remove('b', 'x');
  groups.remove('c', 'x');
  assert.deepEqual([...groups.names()], ['a']);
  assert.deepEqual([groups.has('a'), groups.has('b')], [true, false]);
  assert.equal(groups.of('b').size, 0);
  groups.clear();
  assert.deepEqual([...groups.names()], []);
});
