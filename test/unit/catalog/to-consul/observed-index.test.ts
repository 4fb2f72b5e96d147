import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createObservedIndex } from '../../../../src/catalog/to-consul/observed-index.ts';
import { isEmpty, plan } from '../../../../src/catalog/to-consul/consul-plan.ts';
import { changesOf, deregistration } from '../../../../src/catalog/to-consul/transactions.ts';
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

test('a write that succeeded is seen at once, and checks of others stay', () => {
  const index = createObservedIndex(SCOPE);
  const mine = { id: 'mine', name: 'mine', status: 'passing', output: '' } as const;
  index.replace([observed(one, { port: 1, kind: 'connect-proxy', otherChecks: [mine] }), observed(two)]);
  const found = plan([one, ...db.instances], index.forPlan([web.source, db.source], db.instances), SCOPE);
  index.record(changesOf(found, SCOPE.node));
  assert.deepEqual([index.owned(), index.sources()], [3, [web.source, db.source]]);
  assert.deepEqual(index.forPlan([web.source], []), [observed(one, { otherChecks: [mine] })]);
  assert.equal(isEmpty(plan(db.instances, index.forPlan([db.source], db.instances), SCOPE)), true);
});

test('the last instance of a source takes the source along', () => {
  const index = filled();
  index.record(everything.filter(({ meta }) => meta['tandem-source'] === web.source).map(deregistration));
  assert.deepEqual([index.owned(), index.sources()], [2, [db.source]]);
});

test('a removal on another node changes nothing here', () => {
  const index = filled();
  index.record([deregistration(observed(one, { node: 'k8s-sync' }))]);
  assert.equal(index.owned(), 4);
});

test('a full read replaces everything, and other nodes are not looked at', () => {
  const index = filled();
  index.replace([observed(one), observed(two, { node: 'worker-1' })]);
  assert.deepEqual([index.owned(), index.sources()], [1, [web.source]]);
  assert.deepEqual(index.forPlan([db.source], [two]), []);
});
