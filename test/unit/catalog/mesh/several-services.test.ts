/** A pod with several services: every one of them is in Consul, and none without the right to its name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentRegistrationsOf } from '../../../../src/catalog/mesh/agent-registration.ts';
import { decidePod, problemOf } from '../../../../src/catalog/mesh/decide-pod.ts';
import { explainPod } from '../../../../src/catalog/mesh/explain-pod.ts';
import { readinessChecksOf, registrationsOf } from '../../../../src/catalog/mesh/pod-registration.ts';
import { readInjectedPod } from '../../../../src/catalog/mesh/registered-pod.ts';
import { CLUSTER, clusterOf, injectedPod, noAddress, podOf, READY, type PodSketch } from './injected-pods.ts';

const SEVERAL: PodSketch = {
  annotations: {
    'connect-service': 'web,admin',
    'connect-service-port': '8080,9090',
    'connect-service-upstreams': 'db:1234',
    'enable-metrics': 'true',
    'service-tags': 'v1',
  },
};
const IDS = [
  'default.web-0.web',
  'default.web-0.web-sidecar-proxy',
  'default.web-0.admin',
  'default.web-0.admin-sidecar-proxy',
];

test('dataplane mode: a pair of instances for each, each proxy on its port, upstreams and metrics with the first', () => {
  const registrations = registrationsOf(podOf(SEVERAL), CLUSTER);
  assert.deepEqual(
    registrations.map(({ id }) => id),
    IDS,
  );
  assert.deepEqual(
    registrations.map(({ name, port, tags, check }) => [name, port, tags, check?.status]),
    [
      ['web', 8080, ['v1'], 'passing'],
      ['web-sidecar-proxy', 20_000, ['v1'], 'passing'],
      ['admin', 9090, ['v1'], 'passing'],
      ['admin-sidecar-proxy', 20_001, ['v1'], 'passing'],
    ],
  );
  const [first, second] = registrations.flatMap(({ proxy }) => proxy ?? []);
  assert.deepEqual([first?.upstreams.length, second?.upstreams.length], [1, 0]);
  assert.deepEqual(
    [first?.config['envoy_prometheus_bind_addr'], second?.config['envoy_prometheus_bind_addr']],
    ['0.0.0.0:20200', undefined],
  );
  assert.deepEqual([second?.destinationId, second?.localPort], ['default.web-0.admin', 9090]);
});

test('readiness is that of all, and so are the checks that are looked after', () => {
  const terminating = podOf({ ...SEVERAL, deleted: true });
  assert.deepEqual(
    readinessChecksOf(terminating, CLUSTER).map(({ instance, status }) => `${instance} ${status}`),
    IDS.map((id) => `${id} critical`),
  );
});

test('agent mode: what an agent has lost is given back, of all', () => {
  const pod = podOf({
    ...SEVERAL,
    flags: [],
    status: { ...READY, conditions: [...READY.conditions, { type: 'Initialized', status: 'True' }] },
  });
  const given = agentRegistrationsOf(pod, CLUSTER);
  assert.deepEqual(
    given.map(({ id }) => id),
    IDS,
  );
  assert.match(JSON.stringify(given[3]?.definition), /"TCP":"10\.1\.0\.1:20001"/);
});

test('where pods log in, each other service needs a ServiceAccount of its name in the namespace', () => {
  const pod = podOf({ ...SEVERAL, serviceAccount: 'web' });
  const withAccount = (account: string) => clusterOf({ accounts: { [account]: 'unused' } });
  for (const [account, reason] of [
    ['default/admin', 'registered'],
    ['shop/admin', 'other-service-account'],
    ['default/other', 'other-service-account'],
  ] as const)
    assert.equal(decidePod(pod, withAccount(account)), reason, account);
  assert.match(
    problemOf(pod, 'other-service-account', withAccount('default/other')) ?? '',
    /the service "admin" .* no ServiceAccount "admin" in its namespace: create one, with a Secret of the same name/,
  );
  const alone = podOf({ annotations: { 'connect-service': 'admin' }, serviceAccount: 'web' });
  assert.equal(
    decidePod(alone, withAccount('default/admin')),
    'other-service-account',
    'a pod with one service',
  );
});

test('explained: each service, and its instances', () => {
  const address = { address: noAddress(), virtual: undefined };
  const { service, otherServices, registrations } = explainPod(podOf(SEVERAL), CLUSTER, [], address);
  assert.equal(service?.name, 'web');
  assert.deepEqual(otherServices, [{ name: 'admin', reason: 'annotation' }]);
  assert.equal(registrations.length, 4);
});

/** The reason for a pod of which a text in the spec was replaced. */
function forged(from: string, to: string): string {
  const text = JSON.stringify(injectedPod(SEVERAL));
  assert.ok(text.includes(from));
  const pod = readInjectedPod(JSON.parse(text.replaceAll(from, to)));
  assert.ok(pod !== undefined);
  return decidePod(pod, CLUSTER);
}

test('one registration that is damaged, of another pod or there twice makes the whole pod invalid', () => {
  assert.equal(forged('$(POD_NAME).admin', '$(POD_NAME).web'), 'invalid-registration');
  assert.equal(forged('$(POD_NAMESPACE).$(POD_NAME).admin', 'shop.web-0.admin'), 'invalid-registration');
  assert.equal(forged('\\"port\\":20001', '\\"port\\":0'), 'invalid-registration');
  assert.equal(forged('k8s-c1-$(NODE_NAME)', 'k8s-c2-$(NODE_NAME)'), 'other-owner');
});

test('a container that its author called like that of a second service is none', () => {
  const [, , second] = registrationsOf(podOf(SEVERAL), CLUSTER);
  const pod = injectedPod() as { readonly spec: { readonly initContainers: object[] } };
  const other = injectedPod(SEVERAL) as { readonly spec: { readonly initContainers: object[] } };
  pod.spec.initContainers.push(other.spec.initContainers[1] ?? {});
  const read = readInjectedPod(pod);
  assert.ok(read !== undefined);
  assert.ok(!registrationsOf(read, CLUSTER).some(({ id }) => id === second?.id));
});
