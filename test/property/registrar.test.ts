/** What must hold for all pods and for everything that Consul may have on a node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isEmptyNodePlan, planNode, type NodePlan } from '../../src/catalog/mesh/node-plan.ts';
import { readInjectedPod } from '../../src/catalog/mesh/registered-pod.ts';
import { registrationsOf, type PodRegistration } from '../../src/catalog/mesh/pod-registration.ts';
import { isObject, property } from '../../src/support/json.ts';
import { createConsulNodes, type ConsulNodes } from '../unit/catalog/mesh/consul-nodes.ts';
import {
  ADDRESSES,
  injectedPod,
  podOf,
  READY,
  theirsOf,
  type PodSketch,
  CLUSTER,
} from '../unit/catalog/mesh/injected-pods.ts';

const NODE = 'k8s-c1-node-1';

const sketch: fc.Arbitrary<PodSketch> = fc.record({
  name: fc.constantFrom('web-0', 'web-1', 'WEB-1', 'api'),
  namespace: fc.constantFrom('default', 'shop'),
  uid: fc.constantFrom('u1', 'u2', 'u3'),
  annotations: fc
    .record({
      'connect-service-upstreams': fc.constantFrom(
        '',
        'db:1234',
        'db:1234 prepared_query:q:1235',
        'a.svc.p.peer:9',
      ),
      'service-tags': fc.constantFrom('', 'a,b', '$POD_NAME'),
      'service-meta-price': fc.constantFrom('$5', '$(POD_NAME)', 'é'),
      'enable-metrics': fc.constantFrom('true', 'false'),
    })
    .map((all) => ({ ...all })),
  status: fc.constantFrom(READY, ADDRESSES, { ...READY, phase: 'Failed' }, { ...READY, podIP: '10.9.9.9' }),
  deleted: fc.boolean(),
});

const pods = fc.uniqueArray(sketch, {
  maxLength: 5,
  selector: ({ namespace, name }) => `${namespace}/${name}`,
});

const registrations = (all: readonly PodSketch[]): readonly PodRegistration[] =>
  all.flatMap((each) => registrationsOf(podOf(each), CLUSTER));

function carryOut(plan: NodePlan, consul: ConsulNodes): void {
  for (const { id } of plan.deregister) consul.deregister(NODE, id);
  if (plan.removeNode) consul.removeNode(NODE);
  if (plan.node !== undefined) consul.writeNode(plan.node, 'c1');
  for (const each of plan.register) consul.register(each, 'c1');
  for (const { registration } of plan.update) consul.register(registration, 'c1');
  for (const { registration, check } of plan.checks) consul.setCheck(NODE, registration.id, check);
}

test('a plan that was carried out leaves nothing to do, and touches nobody else', () => {
  fc.assert(
    fc.property(pods, pods, pods, (before, foreign, after) => {
      const consul = createConsulNodes();
      for (const each of registrations(before)) consul.register(each, 'c1');
      for (const each of foreign.flatMap((pod) => theirsOf(pod))) consul.register(each, 'c2');
      const theirs = (): readonly string[] =>
        consul
          .read(NODE)
          .instances.filter(({ meta }) => meta['tandem-owner'] === 'c2')
          .map((each) => JSON.stringify(each));
      const untouched = theirs();
      const wanted = registrations(after);
      carryOut(planNode(NODE, wanted, consul.read(NODE), 'c1'), consul);
      const next = planNode(NODE, wanted, consul.read(NODE), 'c1');
      assert.ok(isEmptyNodePlan(next), JSON.stringify(next));
      assert.deepEqual(theirs(), untouched);
      const ids = new Set(wanted.map(({ id }) => id.toLowerCase()));
      for (const { id, meta } of consul.read(NODE).instances)
        assert.ok(meta['tandem-owner'] === 'c2' || ids.has(id.toLowerCase()), id);
    }),
    { numRuns: 500 },
  );
});

test('both modes register the same: what the init container gives to the agent, the registrar writes', () => {
  fc.assert(
    fc.property(sketch, (each) => {
      const agent = injectedPod({ ...each, flags: ['--owner=c1'] });
      const [service, proxy] = agentServices(agent, each);
      const [ownService, ownProxy] = registrationsOf(podOf({ ...each, status: READY }), CLUSTER);
      for (const [left, right] of [
        [service, ownService],
        [proxy, ownProxy],
      ] as const) {
        assert.equal(property(left, 'id'), right?.id);
        assert.equal(property(left, 'name'), right?.name);
        assert.equal(property(left, 'address'), right?.address);
        assert.equal(property(left, 'port'), right?.port);
        assert.deepEqual(property(left, 'tags'), right?.tags);
        assert.deepEqual(property(left, 'meta'), right?.meta);
      }
      const theirs = property(proxy, 'proxy');
      const wanted = ownProxy?.proxy;
      assert.equal(property(theirs, 'destination_service_id'), wanted?.destinationId);
      assert.equal(property(theirs, 'local_service_port'), wanted?.localPort);
      const found = property(theirs, 'config');
      const config = isObject(found) ? found : {};
      const listener = 'envoy_prometheus_bind_addr';
      // Envoy listens before anybody but its kubelet knows its address.
      const anywhere = listener in config ? { [listener]: '0.0.0.0:20200' } : {};
      assert.deepEqual({ ...config, ...anywhere, bind_address: '0.0.0.0' }, wanted?.config);
      const upstreams = property(theirs, 'upstreams') as readonly object[];
      assert.deepEqual(
        upstreams.map((one) => [
          property(one, 'destination_type'),
          property(one, 'destination_name'),
          property(one, 'destination_peer') ?? '',
          property(one, 'local_bind_port'),
        ]),
        wanted?.upstreams.map(({ type, name, peer, bindPort }) => [type, name, peer, bindPort]),
      );
    }),
    { numRuns: 300 },
  );
});

/** The services of the registration, with what a kubelet fills in. */
function agentServices(pod: object, { name = '', namespace = '', uid = '' }: PodSketch): readonly unknown[] {
  const values: Readonly<Record<string, string>> = {
    POD_NAME: name,
    POD_NAMESPACE: namespace,
    POD_UID: uid,
    POD_IP: READY.podIP,
  };
  const [init] = property(property(pod, 'spec'), 'initContainers') as readonly object[];
  const env = property(init, 'env') as readonly { readonly name: string; readonly value?: string }[];
  const text = env.find((each) => each.name === 'TANDEM_REGISTRATION')?.value ?? '';
  const expanded = text.replaceAll(/\$\$|\$\((\w+)\)/g, (all, variable?: string) =>
    variable === undefined ? '$' : (values[variable] ?? all),
  );
  return property(JSON.parse(expanded), 'services') as readonly unknown[];
}

test('reading a pod never throws, whatever it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const pod = readInjectedPod({ metadata: value, spec: value, status: value });
      if (pod !== undefined) registrationsOf(pod, CLUSTER);
      readInjectedPod(value);
    }),
  );
});
