import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentRegistrationsOf } from '../../../../src/catalog/mesh/agent-registration.ts';
import { readInjectedPod } from '../../../../src/catalog/mesh/registered-pod.ts';
import { ADDRESSES, injectedPod, READY, type PodSketch, CLUSTER } from './injected-pods.ts';

const INITIALIZED = { ...READY, conditions: [{ type: 'Initialized', status: 'True' }] };

/** What the agent is given again of a pod. */
function givenAgain(sketch: PodSketch): readonly unknown[] {
  const pod = readInjectedPod(injectedPod({ status: INITIALIZED, ...sketch }));
  assert.ok(pod);
  return agentRegistrationsOf(pod, CLUSTER).map(({ definition }) => definition);
}

/** What the init container of the pod gives it, as the kubelet fills it in, in the words of the HTTP API. */
function givenFirst(sketch: PodSketch): readonly unknown[] {
  const pod = injectedPod(sketch) as {
    spec: { initContainers: { env: { name: string; value: string }[] }[] };
  };
  const variables = pod.spec.initContainers.flatMap(({ env }) => env);
  const text = variables.find(({ name }) => name === 'TANDEM_REGISTRATION')?.value ?? '';
  const filled = text
    .replaceAll('$(POD_NAME)', 'web-0')
    .replaceAll('$(POD_NAMESPACE)', 'default')
    .replaceAll('$(POD_UID)', 'uid-of-web-0')
    .replaceAll('$(POD_IP)', ADDRESSES.podIP);
  return (JSON.parse(filled) as { services: object[] }).services.map((each) => inWordsOfTheApi(each));
}

function inWordsOfTheApi(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => inWordsOfTheApi(each, key));
  if (typeof value !== 'object' || value === null || key === 'meta' || key === 'config') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name === 'id' && key === 'checks' ? 'CheckID' : wordOfTheApi(name),
      inWordsOfTheApi(each, name),
    ]),
  );
}

function wordOfTheApi(name: string): string {
  const capital = (part: string): string =>
    ['id', 'tcp', 'ttl'].includes(part) ? part.toUpperCase() : part.slice(0, 1).toUpperCase() + part.slice(1);
  return name.split('_').map(capital).join('');
}

/** Without what stands for nothing, and in one order of keys. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key, each]) => !(key === 'Port' && each === 0) && JSON.stringify(each) !== '{}')
    .map(([key, each]) => [key, plain(each)] as const);
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

const sketches: Readonly<Record<string, PodSketch>> = {
  'a service with a port': {},
  'a client without one': { container: {} },
  'upstreams of every kind, tags, meta and metrics': {
    annotations: {
      'connect-service-upstreams': 'db:5432, prepared_query:near:5433, api:5434:east',
      'service-tags': 'a,$POD_NAME',
      'service-meta-team': 'x',
      'enable-metrics': 'true',
    },
  },
  'redirected traffic and exposed probes': {
    exposed: [
      { path: '/a b"\\', listenerPort: 20400, localPort: 8080, protocol: 'http' },
      { path: '/grpc.health.v1.Health/Check', listenerPort: 20301, localPort: 50051, protocol: 'http2' },
    ],
  },
};
for (const [what, sketch] of Object.entries(sketches)) {
  test(`an agent is given again what it had: ${what}`, () => {
    const own = { ...sketch, flags: ['--owner=c1', '--critical-until-ready'] };
    assert.deepEqual(givenAgain(own).map(plain), givenFirst(own).map(plain));
  });
}

test('it is as ready at the agent as it is in Kubernetes', () => {
  const [service] = givenAgain({
    status: { ...READY, conditions: [...INITIALIZED.conditions, { type: 'Ready', status: 'True' }] },
    flags: [],
  });
  assert.match(JSON.stringify(service), /"CheckID":"default\.web-0\.web-readiness".*"Status":"passing"/);
});

test('the TCP check of an IPv6 pod has brackets', () => {
  const [, proxy] = givenAgain({ flags: [], status: { ...INITIALIZED, podIP: 'fd00::1' } });
  assert.match(JSON.stringify(proxy), /"TCP":"\[fd00::1\]:20000"/);
});

test('nothing for a pod that registers itself still, has ended, ends, or is in dataplane mode', () => {
  assert.deepEqual(givenAgain({ flags: [], status: READY }), []);
  assert.deepEqual(givenAgain({ flags: [], status: { ...INITIALIZED, phase: 'Failed' } }), []);
  assert.deepEqual(givenAgain({ flags: [], deleted: true }), []);
  assert.deepEqual(givenAgain({}), []);
});
