import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createObservedIndex } from '../../../src/catalog/observed-index.ts';
import { plan } from '../../../src/catalog/plan.ts';
import { endpoint, observed, SCOPE, service, slice, synced } from './objects.ts';

const slices = [slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')])];
const web = synced(service(), { slices });
const db = synced(service({ metadata: { name: 'db' } }), { slices });
const [one, two] = web.instances;
assert.ok(one && two);
const everything = [...web.instances, ...db.instances].map((each) => observed(each));

function filled() {
  const index = createObservedIndex(SCOPE);
  index.replace(everything);
  return index;
}

test('a plan of one source sees what was made from it, and no more', () => {
  const index = filled();
  assert.deepEqual([index.owned(), index.sources()], [4, [web.source, db.source]]);
  const found = plan([one], index.forPlan([web.source], [one]), SCOPE);
  assert.deepEqual([found.deregister, found.unchanged], [[observed(two)], 1]);
});

test('what somebody else has under an id that is wanted is seen, and so not overwritten', () => {
  const index = createObservedIndex(SCOPE);
  index.replace([observed(one, { meta: {} })]);
  assert.equal(index.owned(), 0);
  const found = plan([one], index.forPlan([web.source], [one]), SCOPE);
  assert.deepEqual([found.register, found.update, found.conflicts.length], [[], [], 1]);
});

test('an instance whose source somebody changed is found by its id', () => {
  const index = createObservedIndex(SCOPE);
  index.replace([observed(one, { meta: { ...one.meta, 'tandem-source': db.source } })]);
  const found = plan([one], index.forPlan([web.source], [one]), SCOPE);
  assert.deepEqual(found.update[0]?.fields, ['meta']);
});

test('a write that succeeded is seen at once', () => {
  const index = filled();
  index.remove(two.id.toUpperCase());
  index.remove('nothing');
  index.put(observed(one, { meta: { ...one.meta, 'tandem-source': db.source } }));
  assert.deepEqual([index.owned(), index.sources()], [3, [db.source]]);
  assert.deepEqual(index.forPlan([web.source], []), []);
  assert.equal(index.forPlan([db.source], []).length, 3);
});

test('an instance that loses its owner is no longer counted', () => {
  const index = filled();
  index.put(observed(one, { meta: {} }));
  assert.equal(index.owned(), 3);
  assert.deepEqual(index.forPlan([web.source], []), [observed(two)]);
});

test('a full read replaces everything, and other nodes are not looked at', () => {
  const index = filled();
  index.replace([observed(one), observed(two, { node: 'worker-1' })]);
  assert.deepEqual([index.owned(), index.sources()], [1, [web.source]]);
  assert.deepEqual(index.forPlan([db.source], [two]), []);
});
