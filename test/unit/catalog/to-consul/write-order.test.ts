import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../../src/catalog/to-consul/consul-plan.ts';
import { changesOf } from '../../../../src/catalog/to-consul/transactions.ts';
import { writeOrder } from '../../../../src/catalog/to-consul/write-order.ts';
import { sourceOf, type Instance } from '../../../../src/model/instance.ts';
import { endpoint, NODE, observed, SCOPE, service, slice, synced } from './objects.ts';

type Pods = Readonly<Record<string, boolean>>;

/** @param pods address → is it ready */
function instances(pods: Pods, port = 8080, source = 'web', namespace = 'default'): readonly Instance[] {
  const metadata = { name: source, namespace, uid: source };
  const annotations = { 'service-name': 'web' };
  const endpoints = Object.entries(pods).map(([address, ready]) =>
    endpoint(address, { conditions: { ready } }),
  );
  const ports = [{ name: 'http', port }];
  return synced(service({ metadata, annotations }), { slices: [slice(endpoints, { ports })] }).instances;
}

/** `<action> <address>` of what is urgent, and of the rest. */
function order(desired: readonly Instance[], found: readonly Instance[]): readonly (readonly string[])[] {
  const known = found.map((each) => observed(each));
  const { urgent, few, many } = writeOrder(changesOf(plan(desired, known, SCOPE), NODE), (source) =>
    known.filter((each) => sourceOf(each) === source),
  );
  return [urgent, few, ...many].map((changes) =>
    changes.map(({ action, instance }) => `${action} ${instance.address}`).toSorted(),
  );
}

const NONE = [[], []];

test('a check, and an instance that goes while others stay, do not wait for what comes', () => {
  const before = instances({ '10.0.0.1': true, '10.0.0.2': true });
  const after = instances({ '10.0.0.2': false, '10.0.0.3': true });
  assert.deepEqual(order(after, before), [
    ['deregister 10.0.0.1', 'update 10.0.0.2'],
    ['register 10.0.0.3'],
    ...NONE,
  ]);
  assert.deepEqual(order([], before), [['deregister 10.0.0.1', 'deregister 10.0.0.2'], [], ...NONE]);
});

for (const [what, after] of [
  ['of which all addresses change', instances({ '10.0.0.3': true })],
  ['that moves to another port', instances({ '10.0.0.1': true }, 9090)],
  ['that moves to another Service', instances({ '10.0.0.1': true }, 8080, 'other')],
] as const)
  test(`a service ${what} keeps its instances until the new ones are there`, () => {
    const [urgent, few] = order(after, instances({ '10.0.0.1': true }));
    assert.deepEqual(urgent, []);
    assert.deepEqual(few?.length, 2);
  });

test('what is replaced at its address waits for that, whatever else stays', () => {
  const after = [...instances({ '10.0.0.1': true }), ...instances({ '10.0.0.2': true }, 9090)];
  const before = instances({ '10.0.0.1': true, '10.0.0.2': true });
  assert.deepEqual(order(after, before), [[], ['deregister 10.0.0.2', 'register 10.0.0.2'], ...NONE]);
});

test('a namespace with many removals and registrations comes after those with few', () => {
  const pods = (from: number): Pods =>
    Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`10.1.0.${from + index}`, true]));
  const many = (from: number): readonly Instance[] =>
    instances({ '10.1.1.0': true, ...pods(from) }, 8080, 'big', 'evil');
  const [urgent, few, urgentOfMany, others] = order(
    [...instances({ '10.0.0.1': false }), ...many(0).map((each) => ({ ...each, name: 'big' }))],
    [...instances({ '10.0.0.1': true }), ...many(1000).map((each) => ({ ...each, name: 'big' }))],
  );
  assert.deepEqual([urgent, few], [['update 10.0.0.1'], []]);
  assert.deepEqual([urgentOfMany?.length, others?.length], [200, 200]);
});
