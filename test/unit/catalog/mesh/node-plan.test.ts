import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmptyNodePlan, planNode, type NodePlan } from '../../../../src/catalog/mesh/node-plan.ts';
import { registrationsOf, type PodRegistration } from '../../../../src/catalog/mesh/pod-registration.ts';
import { createConsulNodes, type ConsulNodes } from './consul-nodes.ts';
import { ADDRESSES, podOf, theirsOf, type PodSketch, CLUSTER } from './injected-pods.ts';

const NODE = 'k8s-c1-node-1';
const wanted = (...pods: readonly PodSketch[]): readonly PodRegistration[] =>
  pods.flatMap((pod) => registrationsOf(podOf(pod), CLUSTER));

function consulWith(registrations: readonly PodRegistration[], owner = 'c1'): ConsulNodes {
  const consul = createConsulNodes();
  for (const each of registrations) consul.register(each, owner);
  return consul;
}

function planOf(consul: ConsulNodes, registrations: readonly PodRegistration[], owner = 'c1'): NodePlan {
  return planNode(NODE, registrations, consul.read(NODE), owner);
}

const UPSTREAMS = { annotations: { 'connect-service-upstreams': 'db:5432?mesh_gateway_mode=local' } };

test('what Consul has is not written again, whatever it filled in by itself', () => {
  const registrations = wanted(UPSTREAMS, { name: 'web-1' });
  const plan = planOf(consulWith(registrations), registrations);
  assert.ok(isEmptyNodePlan(plan), JSON.stringify(plan));
  assert.equal(plan.unchanged, 4);
});

test('the keys of a config have no order, however deep they are', () => {
  const proxies = (config: string): readonly PodRegistration[] =>
    wanted({ annotations: { 'proxy-config-map': config } });
  const consul = consulWith(proxies('{"a": [{"c": 1, "d": {"f": 2, "e": 3}}], "b": 4}'));
  assert.ok(isEmptyNodePlan(planOf(consul, proxies('{"b": 4, "a": [{"d": {"e": 3, "f": 2}, "c": 1}]}'))));
  assert.ok(!isEmptyNodePlan(planOf(consul, proxies('{"b": 4, "a": [{"d": {"e": 3, "f": 0}, "c": 1}]}'))));
});

test('each difference is named', () => {
  const fieldsOf = (before: PodSketch, after: PodSketch): unknown =>
    planOf(consulWith(wanted(before)), wanted(after)).update.map(({ fields }) => fields.join());
  assert.deepEqual(fieldsOf({}, UPSTREAMS), ['proxy']);
  assert.deepEqual(fieldsOf(UPSTREAMS, {}), ['proxy']);
  assert.deepEqual(fieldsOf({}, { annotations: { 'service-tags': 'a' } }), ['tags', 'tags']);
  assert.deepEqual(fieldsOf({}, { uid: 'another' }), ['meta', 'meta']);
  assert.deepEqual(fieldsOf({}, { status: { ...ADDRESSES, podIP: '10.9.9.9' } }), [
    'address,check',
    'address,check',
  ]);
  const metrics = { annotations: { 'enable-metrics': 'true' } };
  assert.deepEqual(fieldsOf({}, metrics), ['proxy']);
  const probe = { path: '/', listenerPort: 20400, localPort: 8080, protocol: 'http' };
  assert.deepEqual(fieldsOf({}, { exposed: [] }), ['proxy']);
  assert.deepEqual(fieldsOf({ exposed: [] }, { exposed: [probe] }), ['proxy']);
  assert.deepEqual(fieldsOf({ exposed: [probe] }, { exposed: [{ ...probe, protocol: 'http2' }] }), ['proxy']);
});

test('the virtual address is compared with what was registered, not with what Consul adds', () => {
  const at = (address?: string, port = 80): readonly PodRegistration[] =>
    wanted({ exposed: [] }).map((each) => ({
      ...each,
      ...(each.kind === 'service' || address === undefined ? {} : { virtual: { address, port } }),
    }));
  const fieldsOf = (before: readonly PodRegistration[], after: readonly PodRegistration[]): unknown =>
    planOf(consulWith(before), after).update.map(({ fields }) => fields.join());
  assert.deepEqual(fieldsOf(at('10.96.0.1'), at('10.96.0.1')), []);
  assert.deepEqual(fieldsOf(at(), at('10.96.0.1')), ['virtual']);
  assert.deepEqual(fieldsOf(at('10.96.0.1'), at()), ['virtual']);
  assert.deepEqual(fieldsOf(at('10.96.0.1'), at('10.96.0.2')), ['virtual']);
  assert.deepEqual(fieldsOf(at('10.96.0.1'), at('10.96.0.1', 81)), ['virtual']);
});

test('a change of readiness is a change of checks and nothing else', () => {
  const plan = planOf(consulWith(wanted({})), wanted({ status: ADDRESSES }));
  assert.deepEqual([plan.register, plan.update, plan.deregister], [[], [], []]);
  assert.deepEqual(
    plan.checks.map(({ check }) => `${check.id} ${check.status}`),
    ['default.web-0.web-readiness critical', 'default.web-0.web-sidecar-proxy-readiness critical'],
  );
});

test('the last pod leaves, and the node with it; not with an instance of somebody else on it', () => {
  const consul = consulWith(wanted({}));
  const plan = planOf(consul, []);
  assert.deepEqual(
    plan.deregister.map(({ id }) => id),
    ['default.web-0.web', 'default.web-0.web-sidecar-proxy'],
  );
  assert.equal(plan.removeNode, true);
  const [foreign] = theirsOf({ name: 'other' });
  if (foreign !== undefined) consul.register(foreign, 'c2');
  assert.equal(planOf(consul, []).removeNode, false);
  assert.equal(planOf(consul, []).deregister.length, 2);
});

test('a node that somebody else made is used, and neither changed nor removed', () => {
  const consul = consulWith(theirsOf({ name: 'other' }), 'c2');
  const moved = { status: { hostIP: '10.0.0.99', podIP: '10.1.0.1' } };
  for (const each of wanted(moved)) consul.register(each, 'c1');
  assert.equal(planOf(consul, wanted(moved)).node, undefined);
  assert.equal(planOf(consul, []).removeNode, false);
  assert.equal(planOf(consul, []).deregister.length, 2);
});

test('a node of ours follows the address of its host', () => {
  const moved = wanted({ status: { hostIP: '10.0.0.99', podIP: '10.1.0.1' } });
  assert.deepEqual(planOf(consulWith(wanted({})), moved).node, { name: NODE, address: '10.0.0.99' });
});

test('an id that another owner or nobody owns is not touched, and reported on the pod', () => {
  const consul = consulWith(theirsOf(), 'c2');
  const before = consul.dump();
  const plan = planOf(consul, wanted({}));
  assert.ok(isEmptyNodePlan(plan));
  assert.equal(consul.dump(), before);
  assert.equal(plan.conflicts.length, 2);
  assert.match(plan.conflicts[0]?.message ?? '', /belongs to owner "c2"/);
});

test('pods of one name in two namespaces, and names that look alike when they are joined, do not collide', () => {
  const pods = [
    { namespace: 'zoo' },
    { namespace: 'abc' },
    { name: 'a', annotations: { 'connect-service': 'b-c' } },
    { name: 'a-b', annotations: { 'connect-service': 'c' } },
  ];
  const plan = planOf(createConsulNodes(), wanted(...pods));
  assert.deepEqual([plan.conflicts, plan.register.length], [[], 8]);
});

test('two pods of before that want one id: the one that has it keeps it', () => {
  const one = { namespace: 'zoo', uid: 'z', isLegacy: true };
  const other = { namespace: 'abc', uid: 'a', isLegacy: true };
  const consul = consulWith(wanted(one));
  const planOfLegacy = (on: ConsulNodes, all: readonly PodRegistration[]): NodePlan =>
    planNode('node-1-virtual', all, on.read('node-1-virtual'), 'c1');
  const plan = planOfLegacy(consul, wanted(other, one));
  assert.ok(isEmptyNodePlan(plan));
  assert.deepEqual(
    plan.conflicts.map(({ source }) => source),
    ['Pod/abc/web-0', 'Pod/abc/web-0'],
  );
  assert.equal(planOfLegacy(createConsulNodes(), wanted(one, other)).register[0]?.source, 'Pod/abc/web-0');
});

test('a pod that was replaced under its name is an update, and nothing is removed', () => {
  const plan = planOf(consulWith(wanted({ uid: 'old' })), wanted({ uid: 'new' }));
  assert.deepEqual(plan.deregister, []);
  assert.equal(plan.update.length, 2);
});
