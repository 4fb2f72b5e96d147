import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedInstance } from '../../../../src/model/instance.ts';
import { isEmpty, plan, type Field } from '../../../../src/catalog/to-consul/consul-plan.ts';
import { endpoint, observed, SCOPE, service, slice, synced } from './objects.ts';

const { instances } = synced(service({ annotations: { 'service-tags': 'a,b' } }), {
  slices: [slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')])],
});
const [first, second] = instances;
assert.ok(first && second);

test('what is as it shall be is not touched', () => {
  const found = plan(
    instances,
    instances.map((each) => observed(each)),
    SCOPE,
  );
  assert.equal(isEmpty(found), true);
  assert.deepEqual([found.unchanged, found.foreign], [2, 0]);
});

test('register what is missing, deregister what is not wanted', () => {
  const found = plan([first], [observed(second)], SCOPE);
  assert.deepEqual(found.register, [first]);
  assert.deepEqual(found.deregister, [observed(second)]);
  assert.equal(isEmpty(found), false);
});

const { check } = first;
assert.ok(check);
const drift: readonly [Field, string, Partial<ObservedInstance>][] = [
  ['id', 'another case', { id: first.id.toUpperCase() }],
  ['name', 'another name', { name: 'other' }],
  ['address', 'another address', { address: '' }],
  ['port', 'another port', { port: 0 }],
  ['tags', 'one less', { tags: ['k8s', 'a'] }],
  ['tags', 'another order', { tags: ['k8s', 'b', 'a'] }],
  ['tags', 'none', { tags: [] }],
  ['meta', 'one more', { meta: { ...first.meta, more: 'x' } }],
  ['meta', 'another value', { meta: { ...first.meta, 'port-http': '1' } }],
  [
    'meta',
    'another key',
    {
      meta: Object.fromEntries(
        Object.entries(first.meta).map(([key, value]) => [key === 'port-http' ? 'port-x' : key, value]),
      ),
    },
  ],
  ['weights', 'another weight', { weight: 2 }],
  ['weights', 'another weight for warnings', { warningWeight: 2 }],
  ['kind', 'a proxy', { kind: 'connect-proxy' }],
  ['check', 'none', { check: undefined }],
  ['check', 'another status', { check: { ...check, status: 'warning' } }],
  ['check', 'another output', { check: { ...check, output: '' } }],
  ['check', 'another name', { check: { ...check, name: '' } }],
];

for (const [field, what, parts] of drift) {
  test(`drift of ${field}, ${what}, is repaired by an update that says so`, () => {
    const previous = observed(first, parts);
    const found = plan([first], [previous], SCOPE);
    assert.deepEqual(found.update, [{ instance: first, previous, fields: [field] }]);
    assert.deepEqual([found.register, found.deregister, found.unchanged], [[], [], 0]);
  });
}

test('a check that is no longer wanted is a difference; those of others are not', () => {
  const unchecked = { ...first, check: undefined };
  assert.deepEqual(plan([unchecked], [observed(first)], SCOPE).update[0]?.fields, ['check']);
  const withOther = observed(first, { otherChecks: [{ ...check, id: 'mine' }] });
  assert.equal(isEmpty(plan([first], [withOther], SCOPE)), true);
});

test('a service that changes the case of its name is updated, not removed after it was registered', () => {
  const renamed = { ...first, id: `Web${first.id.slice(3)}`, name: 'Web' };
  const found = plan([renamed], [observed(first)], SCOPE);
  assert.deepEqual(found.update[0]?.fields, ['id', 'name']);
  assert.deepEqual(found.deregister, []);
});

test('the name of the node is compared as Consul does', () => {
  const found = plan([first], [observed(first)], { ...SCOPE, node: SCOPE.node.toUpperCase() });
  assert.equal(found.unchanged, 1);
});

const strangers: readonly [string, Partial<ObservedInstance>][] = [
  ['of another owner', { meta: { ...second.meta, 'tandem-owner': 'c2' } }],
  ['without an owner', { meta: {} }],
  ['whose owner has another case', { meta: { ...second.meta, 'tandem-owner': 'C1' } }],
];

for (const [what, parts] of strangers) {
  test(`an instance ${what} is not removed`, () => {
    const found = plan([], [observed(second, parts)], SCOPE);
    assert.deepEqual([isEmpty(found), found.foreign, found.conflicts], [true, 1, []]);
  });

  test(`an instance ${what} under an id that is wanted is a conflict, and is not changed`, () => {
    const found = plan([second], [observed(second, { ...parts, port: 1 })], SCOPE);
    assert.deepEqual([isEmpty(found), found.foreign], [true, 1]);
    assert.deepEqual(
      found.conflicts.map(({ source, at }) => [source, at]),
      [['Service/default/web', second.id]],
    );
    assert.match(found.conflicts[0]?.message ?? '', /is not touched; deregister it in Consul/);
  });
}

test('an instance on another node is neither ours nor in the way', () => {
  const elsewhere = observed(first, { node: 'worker-1' });
  const found = plan([first], [elsewhere], SCOPE);
  assert.deepEqual([found.register, found.deregister, found.foreign], [[first], [], 0]);
});

test('a plan of one source looks at nothing else', () => {
  const other = synced(service({ metadata: { name: 'other' } }), {
    slices: [slice([endpoint('10.9.0.1')])],
  }).instances;
  const everything = [...instances, ...other].map((each) => observed(each));
  const ofWeb = everything.filter(({ meta }) => meta['tandem-source'] === 'Service/default/web');
  const found = plan([first], ofWeb, SCOPE);
  assert.deepEqual(found.deregister, [observed(second)]);
});

test('a plan does not depend on the order of its input', () => {
  const reversed = instances.toReversed();
  assert.deepEqual(plan(reversed, [], SCOPE), plan(instances, [], SCOPE));
  const seen = instances.map((each) => observed(each));
  assert.deepEqual(plan([], seen.toReversed(), SCOPE), plan([], seen, SCOPE));
});
