/** What keeps a plan from doing harm: policy, adoption, and the report of clashing names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adopt } from '../../../../src/catalog/to-consul/adopt.ts';
import type { Instance, ObservedInstance } from '../../../../src/model/instance.ts';
import { clashProblem, createNameIndex } from '../../../../src/catalog/to-consul/name-index.ts';
import { plan } from '../../../../src/catalog/to-consul/consul-plan.ts';
import { applyPolicy } from '../../../../src/catalog/to-consul/policy.ts';
import { endpoint, NODE, observed, SCOPE, service, slice, synced } from './objects.ts';

const many = (count: number, from = 0): readonly Instance[] =>
  synced(service(), {
    slices: [
      slice(
        Array.from({ length: count }, (_, index) =>
          endpoint(`10.1.${(from + index) >> 8}.${(from + index) & 255}`),
        ),
      ),
    ],
  }).instances;

const [changed, gone, added] = many(3);
assert.ok(changed && gone && added);
const mixed = plan([changed, added], [observed(changed, { port: 1 }), observed(gone)], SCOPE);

for (const [policy, expected] of [
  ['sync', [1, 1, 1]],
  ['upsert-only', [1, 1, 0]],
  ['create-only', [1, 0, 0]],
] as const) {
  test(`--policy=${policy}`, () => {
    const { register, update, deregister } = applyPolicy(mixed, policy);
    assert.deepEqual([register.length, update.length, deregister.length], expected);
  });
}

const EARLIER = { node: 'k8s-sync', meta: { 'external-source': 'kubernetes', 'external-k8s-ns': 'default' } };
const ADOPT = { owner: 'c1', node: NODE, earlierNodes: ['k8s-sync'], tag: 'k8s' };
const old = observed(changed, { id: 'web-0123456789ab', ...EARLIER });

test('an earlier instance goes when its replacement is in Consul, and not before', () => {
  assert.deepEqual(adopt([old, observed(changed)], ADOPT), [old]);
  assert.deepEqual(adopt([old], ADOPT), []);
});

test('an adoption has one order, by node and id, and sees all nodes of the earlier syncer', () => {
  const here = { ...old, node: NODE };
  const next = { ...old, id: 'web-0' };
  const settings = { ...ADOPT, earlierNodes: ['k8s-sync', NODE] };
  assert.deepEqual(adopt([here, old, next, observed(changed)], settings), [next, old, here]);
});

test('names are compared as Consul does', () => {
  const upper = { ...old, name: 'WEB' };
  assert.deepEqual(adopt([upper, observed(changed)], ADOPT), [upper]);
});

const kept: readonly [string, Partial<ObservedInstance>][] = [
  ['another name', { name: 'other' }],
  ['another address', { address: '10.9.9.9' }],
  ['another port', { port: 1 }],
];

for (const [what, parts] of kept) {
  test(`an earlier instance with ${what} stays`, () => {
    const other = { ...old, ...parts };
    assert.deepEqual(adopt([other, observed(changed)], ADOPT), []);
  });
}

const ignored: readonly [string, Partial<ObservedInstance>][] = [
  ['on another node', { node: 'worker-1' }],
  ['without the tag', { tags: ['web'] }],
  ['of another source', { meta: { 'external-source': 'nomad' } }],
  ['without a source', { meta: {} }],
  ['with an owner', { meta: { ...EARLIER.meta, 'tandem-owner': 'c2' } }],
  ['that is a proxy', { kind: 'connect-proxy' }],
];

for (const [what, parts] of ignored) {
  test(`an instance ${what} is not one of the earlier syncer`, () => {
    assert.deepEqual(adopt([{ ...old, ...parts }, observed(changed)], ADOPT), []);
  });
}

test('an instance of another cluster is no replacement', () => {
  const foreign = observed(changed, { meta: { ...changed.meta, 'tandem-owner': 'c2' } });
  assert.deepEqual(adopt([old, foreign], ADOPT), []);
});

test('Services of two namespaces with one name clash until one of them goes', () => {
  const index = createNameIndex();
  const one = 'Service/default/web';
  const two = 'Service/team/web';
  assert.deepEqual(index.set(one, [changed]), []);
  const clash = { name: 'web', sources: [one, two] };
  assert.deepEqual(index.set(two, [{ ...gone, name: 'Web' }, added]), [clash]);
  assert.deepEqual(index.set(one, [changed]), [clash], 'said again to the one that came first');
  assert.deepEqual(index.clashes(), [clash]);
  assert.match(clashProblem(clash, two).message, /^"web" is the name of Service\/default\/web too/);
  assert.deepEqual(index.set(two, [{ ...gone, name: 'other' }]), []);
  assert.deepEqual(index.clashes(), []);
  index.set(two, [gone]);
  assert.equal(index.clashes().length, 1);
  index.set(one, []);
  assert.deepEqual(index.clashes(), []);
});

test('instances of one source do not clash', () => {
  const index = createNameIndex();
  assert.deepEqual(index.set('Service/default/web', [changed, gone]), []);
});

test('the suffix of the namespace is proposed only where it can tell the names apart', () => {
  const clash = (...sources: string[]) => clashProblem({ name: 'web', sources }, sources[0] ?? '').message;
  assert.match(
    clash('Service/a/web', 'Service/b/web'),
    /this annotation; --add-k8s-namespace-suffix does so for/,
  );
  assert.match(clash('Service/a/web', 'Service/a/other'), /by this annotation$/);
});
