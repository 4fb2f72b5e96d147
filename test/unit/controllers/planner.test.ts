/** What is planned, and what is said, of Services of which too little is known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createObservedIndex } from '../../../src/catalog/to-consul/observed-index.ts';
import { createClusterSnapshot } from '../../../src/controllers/cluster-snapshot.ts';
import { createPlanner, type Planned } from '../../../src/controllers/planner.ts';
import type { Service } from '../../../src/model/kubernetes-objects.ts';
import { endpoint, node, observed, SCOPE, service, SETTINGS, slice } from '../catalog/to-consul/objects.ts';

const SOURCE = 'Service/default/web';
const inside = service();
const outside = service({ spec: { type: 'NodePort' } });

function start() {
  const snapshot = createClusterSnapshot();
  const index = createObservedIndex(SCOPE);
  const planner = createPlanner(snapshot, index, SETTINGS, SCOPE);
  let current: Service | undefined;
  return {
    snapshot,
    index,
    planner,
    set: (next: Service): void => {
      snapshot.serviceChanged(current, next);
      current = next;
    },
    status: () => {
      const { instances, leftOut } = planner.statuses().get(SOURCE) ?? {};
      return [instances, leftOut];
    },
  };
}

const addressesOf = ({ plan }: Planned): readonly (readonly string[])[] =>
  [plan.register, plan.update.map(({ instance }) => instance), plan.deregister].map((some) =>
    some.map(({ address }) => address),
  );

test('a new NodePort Service says that it waits for the nodes', () => {
  const { snapshot, planner, set, status } = start();
  snapshot.sliceChanged(undefined, slice([endpoint('10.1.0.1')]));
  snapshot.awaitNodes();
  set(outside);
  assert.deepEqual(addressesOf(planner.of([SOURCE])), [[], [], []]);
  assert.deepEqual(status(), [0, ['nodes-unknown']]);
  snapshot.nodeChanged(undefined, node('node-1', { InternalIP: '192.168.0.1' }));
  assert.deepEqual(snapshot.nodesListed(), [SOURCE]);
  assert.deepEqual(addressesOf(planner.of([SOURCE])), [['192.168.0.1'], [], []]);
  assert.deepEqual(status(), [1, []]);
});

test('one that becomes a NodePort Service keeps what Consul has, and says so; whatever source its instances get', async () => {
  const { snapshot, index, planner, set, status } = start();
  snapshot.sliceChanged(undefined, slice([endpoint('10.1.0.1')]));
  set(inside);
  const [instance] = planner.of([SOURCE]).plan.register;
  assert.ok(instance);
  index.replace([observed(instance)]);
  snapshot.awaitNodes();
  set(outside);
  assert.deepEqual(addressesOf(planner.of([SOURCE])), [[], [], []]);
  assert.deepEqual(status(), [1, ['nodes-unknown']]);
  assert.equal(planner.desiredInstances(), 1);

  index.replace([
    observed(instance, { meta: { ...instance.meta, 'tandem-source': 'Service/default/other' } }),
  ]);
  assert.deepEqual(addressesOf(await planner.all()), [[], [], []]);
  assert.deepEqual(addressesOf(planner.of(['Service/default/other'])), [[], [], []]);

  index.replace([observed(instance)]);
  snapshot.nodesListed();
  assert.deepEqual(addressesOf(planner.of([SOURCE])), [[], [], ['10.1.0.1']]);
});

test('of a NodePort Service that nobody wants in Consul, nothing waits for the nodes', () => {
  const { snapshot, index, planner, set } = start();
  snapshot.sliceChanged(undefined, slice([endpoint('10.1.0.1')]));
  set(inside);
  index.replace(planner.of([SOURCE]).plan.register.map((each) => observed(each)));
  snapshot.awaitNodes();
  set(service({ spec: { type: 'NodePort' }, annotations: { 'service-sync': 'false' } }));
  assert.deepEqual(addressesOf(planner.of([SOURCE])), [[], [], ['10.1.0.1']]);
  assert.deepEqual(planner.statuses().get(SOURCE)?.reason, 'opted-out');
});
