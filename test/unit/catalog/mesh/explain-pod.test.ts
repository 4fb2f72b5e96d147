import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainPod } from '../../../../src/catalog/mesh/explain-pod.ts';
import { readProxy } from '../../../../src/catalog/mesh/proxy.ts';
import { instancesOfPod } from '../../../../src/catalog/mesh/pod-registration.ts';
import { createConsulNodes } from './consul-nodes.ts';
import { ADDRESSES, podOf, READY, theirsOf, type PodSketch, CLUSTER, noAddress } from './injected-pods.ts';

const NONE = { address: noAddress(), virtual: undefined };

function explained(sketch: PodSketch, inConsul: PodSketch, owner = 'c1'): readonly unknown[] {
  const consul = createConsulNodes();
  for (const each of theirsOf(inConsul, owner)) consul.register(each, owner);
  const { reason, registrations, leftover } = explainPod(
    podOf(sketch),
    CLUSTER,
    consul.read('k8s-c1-node-1').instances,
    NONE,
  );
  return [reason, registrations.map(({ standing }) => standing), leftover.map(({ id }) => id)];
}

const twice = (standing: object): readonly object[] => [standing, standing];

test('how each instance of a registered pod stands in Consul', () => {
  assert.deepEqual(explained({}, {}), ['registered', twice({ kind: 'unchanged' }), []]);
  assert.deepEqual(explained({}, { name: 'other' }), ['registered', twice({ kind: 'missing' }), []]);
  assert.deepEqual(explained({ status: ADDRESSES }, {}), [
    'registered',
    twice({ kind: 'differs', fields: ['check'] }),
    [],
  ]);
  assert.deepEqual(explained({}, {}, 'c2'), ['registered', twice({ kind: 'foreign', owner: 'c2' }), []]);
});

test('what is left in Consul of a pod that has ended', () => {
  assert.deepEqual(explained({ status: { ...READY, phase: 'Succeeded' } }, {}), [
    'finished',
    [],
    ['default.web-0.web', 'default.web-0.web-sidecar-proxy'],
  ]);
});

test('without Consul the standing is unknown', () => {
  const { registrations, meaning } = explainPod(podOf(), CLUSTER, undefined, NONE);
  assert.deepEqual(
    registrations.map(({ standing }) => standing.kind),
    ['unknown', 'unknown'],
  );
  assert.match(meaning, /keeps the pod in the catalog/);
});

test('in agent mode: what the pod registered itself, on the node of the agent, with all of its checks', () => {
  const pod = podOf({ flags: [] });
  const registered = instancesOfPod(pod, CLUSTER).map((each) => ({
    ...each,
    check: undefined,
    // The webhook does not know the owner.
    meta: { 'pod-uid': pod.uid },
    warningWeight: 1,
    kind: each.proxy === undefined ? '' : 'connect-proxy',
    proxy: each.proxy ?? readProxy(undefined),
    node: 'node-1',
    otherChecks: [
      { id: 'a', name: 'Destination Alias', status: 'passing' as const, output: '' },
      { id: 'b', name: 'Proxy Public Listener', status: 'critical' as const, output: 'refused' },
    ],
  }));
  const explanation = explainPod(pod, CLUSTER, registered, NONE);
  assert.equal(explanation.reason, 'agent-mode');
  assert.deepEqual(
    explanation.registrations.map(({ standing, checks }) => [standing.kind, checks.map(({ name }) => name)]),
    Array.from({ length: 2 }, () => ['unchanged', ['Proxy Public Listener', 'Destination Alias']]),
  );
  const other = registered.map((each) => ({ ...each, meta: { 'pod-uid': 'another' } }));
  assert.deepEqual(
    explainPod(pod, CLUSTER, other, NONE).registrations.map(({ standing }) => standing.kind),
    ['foreign', 'foreign'],
  );
  const ended = podOf({ flags: [], status: { ...READY, phase: 'Failed' } });
  assert.equal(explainPod(ended, CLUSTER, registered, NONE).leftover.length, 2);
});
