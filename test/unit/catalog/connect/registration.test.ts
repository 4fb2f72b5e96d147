import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decidePod } from '../../../../src/catalog/connect/decide.ts';
import { readInjectedPod } from '../../../../src/catalog/connect/pod.ts';
import { registrationsOf } from '../../../../src/catalog/connect/registration.ts';
import { ADDRESSES, injectedPod, podOf, READY } from './injected-pods.ts';

test('a ready pod is a service and a proxy on the synthetic node, each with a passing check', () => {
  const [service, proxy, ...others] = registrationsOf(
    podOf({
      annotations: {
        'connect-service-upstreams': 'db:5432, prepared_query:near:5433, api.svc.east.dc:5434',
        'service-tags': 'a,$POD_NAME',
        'service-meta-team': 'x',
      },
    }),
    'c1',
  );
  assert.equal(others.length, 0);
  const common = {
    node: { name: 'node-1-virtual', address: '10.0.0.1' },
    source: 'Pod/default/web-0',
    uid: 'uid-of-web-0',
    address: '10.1.0.1',
    tags: ['a', 'web-0'],
    meta: {
      'external-source': 'kubernetes',
      'k8s-namespace': 'default',
      'managed-by': 'tandem',
      'pod-name': 'web-0',
      'pod-uid': 'uid-of-web-0',
      'tandem-owner': 'c1',
      team: 'x',
    },
    weight: 1,
  };
  const check = { name: 'Kubernetes Readiness Check', status: 'passing', output: 'the pod is ready' };
  assert.deepEqual(service, {
    ...common,
    id: 'web-0-web',
    name: 'web',
    port: 8080,
    check: { ...check, id: 'web-0-web-readiness' },
    proxy: undefined,
  });
  const none = { namespace: '', partition: '', peer: '', destinationPort: '', meshGateway: '' };
  const upstream = { ...none, type: 'service', datacenter: '', bindAddress: '127.0.0.1' };
  assert.deepEqual(proxy, {
    ...common,
    id: 'web-0-web-sidecar-proxy',
    name: 'web-sidecar-proxy',
    port: 20000,
    check: { ...check, id: 'web-0-web-sidecar-proxy-readiness' },
    proxy: {
      destinationName: 'web',
      destinationId: 'web-0-web',
      localAddress: '127.0.0.1',
      localPort: 8080,
      upstreams: [
        { ...upstream, name: 'db', bindPort: 5432 },
        { ...upstream, type: 'prepared_query', name: 'near', bindPort: 5433 },
        { ...upstream, name: 'api', datacenter: 'east', bindPort: 5434 },
      ],
      config: {},
    },
  });
});

test('the annotations win over what is left of the containers: service name, named port, no port', () => {
  const named = registrationsOf(
    podOf({
      annotations: { 'connect-service': 'shop', 'connect-service-port': 'admin' },
      container: { ports: [{ containerPort: 80 }, { name: 'admin', containerPort: 81 }] },
    }),
    'c1',
  );
  assert.deepEqual(
    named.map(({ id, name, port }) => [id, name, port]),
    [
      ['web-0-shop', 'shop', 81],
      ['web-0-shop-sidecar-proxy', 'shop-sidecar-proxy', 20000],
    ],
  );
  const [service, proxy] = registrationsOf(podOf({ container: {} }), 'c1');
  assert.equal(service?.port, 0);
  assert.deepEqual([proxy?.proxy?.localAddress, proxy?.proxy?.localPort], ['', 0]);
});

test('metrics: by annotation, by the flags of the webhook, with its port', () => {
  const config = (flags: readonly string[], annotations = {}): unknown =>
    registrationsOf(podOf({ flags: ['--proxy-mode=dataplane', ...flags], annotations }), 'c1')[1]?.proxy
      ?.config;
  assert.deepEqual(config([]), {});
  assert.deepEqual(config(['--enable-metrics', '--prometheus-scrape-port=9999']), {
    envoy_prometheus_bind_addr: '0.0.0.0:9999',
  });
  assert.deepEqual(config([], { 'enable-metrics': 'true', 'prometheus-scrape-port': '7777' }), {
    envoy_prometheus_bind_addr: '0.0.0.0:7777',
  });
  assert.deepEqual(config(['--enable-metrics'], { 'enable-metrics': 'false' }), {});
});

const not = (message?: string): object => ({
  ...ADDRESSES,
  conditions: [{ type: 'Ready', status: 'False', ...(message === undefined ? {} : { message }) }],
});

test('the check follows the Ready condition; a pod that terminates is critical although it is ready', () => {
  const check = (status: object, deleted = false): unknown => {
    const [service] = registrationsOf(podOf({ status, deleted }), 'c1');
    return [service?.check?.status, service?.check?.output];
  };
  assert.deepEqual(check(READY), ['passing', 'the pod is ready']);
  assert.deepEqual(check(not('web is sick')), ['critical', 'web is sick']);
  assert.deepEqual(check(not()), ['critical', 'the pod is not ready']);
  assert.deepEqual(check(ADDRESSES), ['critical', 'the pod is not ready']);
  const unknown = { ...ADDRESSES, conditions: [{ type: 'Ready', status: 'Unknown', message: 'silence' }] };
  assert.deepEqual(check(unknown), ['critical', 'silence']);
  assert.deepEqual(check(READY, true), ['critical', 'the pod is terminating']);
});

test('which pods are registered, and why the others are not', () => {
  const reason = (sketch: Parameters<typeof podOf>[0]): string => {
    const pod = podOf(sketch);
    const decision = decidePod(pod);
    assert.equal(registrationsOf(pod, 'c1').length, decision === 'registered' ? 2 : 0);
    return decision;
  };
  assert.equal(reason({}), 'registered');
  assert.equal(reason({ deleted: true }), 'registered');
  assert.equal(reason({ flags: [] }), 'agent-mode');
  assert.equal(reason({ status: { ...READY, phase: 'Succeeded' } }), 'finished');
  assert.equal(
    reason({ status: { ...READY, phase: 'Failed', reason: 'Evicted' }, deleted: true }),
    'finished',
  );
  assert.equal(reason({ status: { ...READY, phase: 'Running', reason: 'NodeLost' } }), 'lost');
  assert.equal(reason({ status: { ...READY, phase: 'Unknown' } }), 'lost');
  assert.equal(reason({ node: '' }), 'not-scheduled');
  assert.equal(reason({ status: { hostIP: '10.0.0.1' } }), 'not-scheduled');
  assert.equal(reason({ status: { podIP: '10.1.0.1' } }), 'not-scheduled');
});

test('a pod that was changed after its injection says what is wrong', () => {
  const changed = (name: string, value: unknown): ReturnType<typeof readInjectedPod> => {
    const pod = structuredClone(injectedPod()) as { metadata: { annotations: Record<string, unknown> } };
    pod.metadata.annotations[name] = value;
    return readInjectedPod(pod);
  };
  const upstreams = changed('consul.hashicorp.com/connect-service-upstreams', 'db');
  assert.ok(upstreams !== undefined && !upstreams.mesh.ok);
  assert.equal(decidePod(upstreams), 'invalid-annotations');
  assert.match(upstreams.mesh.problems[0]?.message ?? '', /"db": no ":"/);
  const record = changed('tandem/injected', '{}');
  assert.equal(record && decidePod(record), 'no-record');
});

test('what has no name, namespace or UID is no pod', () => {
  for (const raw of [undefined, null, 1, {}, { metadata: { name: 'a', namespace: 'b' } }])
    assert.equal(readInjectedPod(raw), undefined);
});
