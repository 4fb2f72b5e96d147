import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegistrarReporter } from '../../../src/reporting/registrar-reporter.ts';
import { createPodStatuses, type PodStatus } from '../../../src/controllers/pod-statuses.ts';
import { readInjectedPod } from '../../../src/catalog/mesh/registered-pod.ts';
import { createSyncMetrics } from '../../../src/telemetry/sync-metrics.ts';
import { chooseAddress, headlessServicesOf } from '../../../src/catalog/mesh/virtual-address.ts';
import { serviceOf } from '../controllers/pod-events.ts';
import {
  CLUSTER,
  clusterOf,
  injectedPod,
  READY,
  type PodSketch,
  noAddress,
  podOf,
} from '../catalog/mesh/injected-pods.ts';

function start() {
  const events: string[] = [];
  const none = (): void => undefined;
  const reporter = createRegistrarReporter({
    log: none,
    metrics: createSyncMetrics().ofController('registrar'),
    now: () => 0,
    warn: (source, reason, message) => events.push(`${source} ${reason} ${message}`),
    isDryRun: false,
    changed: none,
  });
  return { events, tell: (...all: readonly PodStatus[]) => reporter.pods('node', all) };
}

const STARTING = { hostIP: '10.0.0.1' };
const RUNNING = { ...READY, conditions: [...READY.conditions, { type: 'Initialized', status: 'True' }] };

/** A pod whose record has these warnings. */
function warned(warnings: readonly string[], sketch: PodSketch = {}): PodStatus {
  const raw = injectedPod({ status: STARTING, ...sketch }) as {
    readonly metadata: { annotations: Readonly<Record<string, string>> };
  };
  const { annotations } = raw.metadata;
  const record = JSON.parse(annotations['tandem/injected'] ?? '') as object;
  raw.metadata.annotations = {
    ...annotations,
    'tandem/injected': JSON.stringify({ ...record, warnings }),
  };
  const pod = readInjectedPod(raw);
  assert.ok(pod);
  return createPodStatuses(CLUSTER, noAddress).of(pod);
}

test('what the admission warned of is an Event on the pod, once, while it starts', () => {
  const { events, tell } = start();
  tell(warned(['a: has no effect', 'b: is not known']));
  tell(warned(['a: has no effect', 'b: is not known']));
  tell(warned(['a: has no effect'], { status: RUNNING }));
  assert.deepEqual(events, [
    'Pod/default/web-0 InjectionWarning a: has no effect',
    'Pod/default/web-0 InjectionWarning b: is not known',
  ]);
});

test('a pod that runs since before Tandem was started again is not told of again', () => {
  const { events, tell } = start();
  tell(warned(['a: has no effect'], { status: RUNNING }));
  assert.deepEqual(events, []);
});

test('an annotation that somebody has filled makes no flood of Events', () => {
  const { events, tell } = start();
  tell(warned(Array.from({ length: 500 }, (_, index) => `${index} ${'x'.repeat(5000)}`)));
  assert.equal(events.length, 10);
  assert.ok(events.every((text) => text.length < 400));
});

test('what is outside of the mesh is told once for all pods of a service', () => {
  const { events, tell } = start();
  const [api, admin, old] = ['api', 'admin', 'old'].map((name) =>
    serviceOf(name, { app: 'api' }, '10.96.0.1'),
  );
  assert.ok(api && admin && old);
  const ports = [...api.ports, { port: 9090, target: 9090 }];
  const services = [{ ...api, ports }, admin, old, { ...api, name: 'members', address: undefined }];
  const cluster = { ...clusterOf({ services }), holderOf: () => 'api' };
  const of = (name: string): PodStatus => {
    const pod = podOf({
      name,
      exposed: [],
      labels: { app: 'api' },
      annotations: { 'connect-service': 'api' },
    });
    const choice = chooseAddress(pod, cluster);
    assert.ok(choice.kind === 'chosen');
    const headless = headlessServicesOf(pod, services);
    return createPodStatuses(cluster, () => ({
      reason: 'service',
      chosen: choice,
      holder: undefined,
      headless,
    })).of(pod);
  };
  tell(of('api-0'), of('api-1'));
  tell(of('api-0'), of('api-1'), of('api-2'));
  assert.deepEqual(
    events.map((each) => each.split(' ').slice(0, 2).join(' ')),
    ['OtherServices', 'SeveralPorts', 'HeadlessService'].map((reason) => `Pod/default/api-0 ${reason}`),
  );
  assert.match(events[0] ?? '', /outside the mesh: admin, old$/);
  assert.match(events[1] ?? '', /every port of the Service default\/api leads to the one port/);
  assert.match(events[2] ?? '', /headless: default\/members\. Clients of these, .* dial a pod itself/);
});

test('a pod that replaces one of its name has Events of its own', () => {
  const { events, tell } = start();
  tell(warned(['a'], { uid: 'one' }));
  tell(warned(['a'], { uid: 'two' }));
  assert.equal(events.length, 2);
});

test('why a pod is not registered is an Event, and nothing of one that consul-k8s injected', () => {
  const { events, tell } = start();
  const standing = (annotations: object): PodStatus => {
    const metadata = { name: 'a', namespace: 'b', uid: JSON.stringify(annotations), annotations };
    const pod = readInjectedPod({ metadata, spec: { nodeName: 'n', containers: [] }, status: RUNNING });
    assert.ok(pod);
    return createPodStatuses(CLUSTER, noAddress).of(pod);
  };
  tell(standing({ 'consul.hashicorp.com/consul-k8s-version': '1.5' }), standing({}));
  assert.equal(events.length, 1);
  assert.match(events[0] ?? '', /^Pod\/b\/a NotInjectedByTandem .*recreate the pod/);
});
