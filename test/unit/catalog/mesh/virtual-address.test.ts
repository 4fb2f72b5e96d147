import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshService } from '../../../../src/catalog/mesh/mesh-cluster.ts';
import { readInjectedPod } from '../../../../src/catalog/mesh/registered-pod.ts';
import { readMeshService } from '../../../../src/catalog/mesh/mesh-service.ts';
import { chooseAddress, headlessServicesOf } from '../../../../src/catalog/mesh/virtual-address.ts';
import { clusterOf, injectedPod, podOf, type PodSketch } from './injected-pods.ts';

type ServiceSketch = {
  readonly name?: string;
  readonly namespace?: string;
  readonly created?: string;
  readonly spec?: object;
};

const LABELS = { app: 'api' };

function services(...sketches: readonly ServiceSketch[]): readonly MeshService[] {
  return sketches.flatMap(
    ({ name = 'api', namespace = 'default', created = '2026-01-01T00:00:00Z', spec }) => {
      const ports = [{ port: 80, targetPort: 8080 }];
      const read = readMeshService({
        metadata: { name, namespace, creationTimestamp: created },
        spec: { selector: LABELS, ports, clusterIP: '10.96.0.1', ...spec },
      });
      return read ?? [];
    },
  );
}

/** `<Service> <address>:<port> by <why>, not <others>`, or why there is none; a pod called api in Consul, which has registered port 8080. */
function chosenBy(all: readonly MeshService[] | undefined, sketch: PodSketch = {}): string {
  const annotations = { 'connect-service': 'api', ...sketch.annotations };
  const pod = podOf({ exposed: [], labels: LABELS, ...sketch, annotations });
  const choice = chooseAddress(pod, clusterOf(all === undefined ? {} : { services: all }));
  if (choice.kind !== 'chosen') return `${choice.kind} ${choice.reason}`;
  return `${choice.service.name} ${choice.virtual.address}:${choice.virtual.port} by ${choice.why}, not ${choice.others.join()}`;
}

const none: Readonly<Record<string, readonly ServiceSketch[]>> = {
  'no Service': [],
  'another selector': [{ spec: { selector: { app: 'web' } } }],
  'no selector': [{ spec: { selector: {} } }],
  'another namespace': [{ namespace: 'shop' }],
  'an alias of another host': [{ spec: { type: 'ExternalName' } }],
};
for (const [what, sketches] of Object.entries(none))
  test(`no address: ${what}`, () => assert.equal(chosenBy(services(...sketches)), 'none no-service'));

test('no address: headless, or without a TCP port; none of a pod without redirection', () => {
  assert.equal(chosenBy(services({ spec: { clusterIP: 'None', clusterIPs: ['None'] } })), 'none no-address');
  assert.equal(chosenBy(services({ spec: { ports: [{ port: 53, protocol: 'UDP' }] } })), 'none no-address');
  const pod = podOf({ labels: LABELS });
  assert.deepEqual(chooseAddress(pod, clusterOf({ services: services({}) })), {
    kind: 'none',
    reason: 'not-redirected',
  });
});

const headless = (name: string, spec: object = {}): ServiceSketch => ({
  name,
  spec: { clusterIP: 'None', ports: [{ port: 8080 }], ...spec },
});

test('clients of headless Services are refused, unless their ports are excluded from the redirection', () => {
  const all = services(
    {},
    headless('members'),
    headless('by-name', { ports: [{ port: 80, targetPort: 'http' }] }),
    headless('both', { ports: [{ port: 8080 }, { port: 9090 }] }),
    headless('no-such-port', { ports: [{ port: 80, targetPort: 'admin' }] }),
    headless('of-others', { selector: { app: 'web' } }),
  );
  const refused = (excluded?: string): readonly string[] => {
    const list = 'consul.hashicorp.com/transparent-proxy-exclude-inbound-ports';
    const pod = injectedPod({ exposed: [], labels: LABELS });
    const annotations = excluded === undefined ? {} : { [list]: excluded };
    const read = readInjectedPod({
      ...pod,
      metadata: { ...(pod['metadata'] as object), labels: LABELS, annotations },
    });
    assert.ok(read);
    return headlessServicesOf(read, all);
  };
  assert.deepEqual(refused(), ['default/both', 'default/by-name', 'default/members']);
  for (const port of ['8080', ' http , 1']) assert.deepEqual(refused(port), ['default/both']);
  assert.deepEqual(refused('8080,9090'), []);
  assert.deepEqual(refused('none, -1'), ['default/both', 'default/by-name', 'default/members']);
});

test('a headless Service for Prometheus reaches the metrics of the sidecar, whose port is not redirected', () => {
  const all = services(
    headless('metrics', { ports: [{ port: 20200 }] }),
    headless('moved', { ports: [{ port: 9102, targetPort: 21001 }] }),
  );
  const refused = (annotations: PodSketch['annotations'], ...flags: readonly string[]): readonly string[] =>
    headlessServicesOf(podOf({ exposed: [], labels: LABELS, annotations: annotations ?? {}, flags }), all);
  for (const mode of ['agent', 'dataplane']) {
    const flag = `--proxy-mode=${mode}`;
    assert.deepEqual(refused({}, flag), ['default/metrics', 'default/moved']);
    assert.deepEqual(refused({ 'enable-metrics': 'true' }, flag), ['default/moved']);
    const moved = { 'enable-metrics': 'true', 'prometheus-scrape-port': '21001' };
    assert.deepEqual(refused(moved, flag), ['default/metrics']);
  }
});

test('headless Services are named in the same order, however they came', () => {
  const pod = podOf({ exposed: [], labels: LABELS });
  const all = services(headless('b'), headless('a'), headless('c'));
  assert.deepEqual(headlessServicesOf(pod, all), headlessServicesOf(pod, all.toReversed()));
});

test('Services that are not known yet decide nothing', () => {
  assert.equal(chosenBy(undefined), 'unknown not-listed');
});

test('of dual stack the first address, and the port that leads to the registered one, else the first', () => {
  const dual = { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'] };
  assert.equal(chosenBy(services({ spec: dual })), 'api 10.96.0.1:80 by only, not ');
  const ports = [
    { port: 53, protocol: 'UDP', targetPort: 8080 },
    { port: 90, targetPort: 9090 },
    { port: 81, targetPort: 'http' },
  ];
  assert.equal(chosenBy(services({ spec: { ports } })), 'api 10.96.0.1:81 by only, not ');
  assert.equal(chosenBy(services({ spec: { ports: ports.slice(0, 2) } })), 'api 10.96.0.1:90 by only, not ');
});

test('of several: the one that the author chose, the one named as in Consul, by its port, the oldest, by name', () => {
  const other = { ports: [{ port: 90, targetPort: 9090 }] };
  const all = services(
    { name: 'd', created: '2024-01-01T00:00:00Z', spec: other },
    { name: 'c' },
    { name: 'b' },
    { name: 'a', created: '2025-01-01T00:00:00Z' },
    { name: 'api', created: '2026-02-01T00:00:00Z', spec: other },
    { name: 'headless', created: '2020-01-01T00:00:00Z', spec: { clusterIP: 'None' } },
  );
  const without = (...names: readonly string[]) => all.filter(({ name }) => !names.includes(name));
  assert.equal(
    chosenBy(all, { annotations: { 'kubernetes-service': 'c' } }),
    'c 10.96.0.1:80 by annotation, not api,a,b,d',
  );
  assert.equal(chosenBy(all), 'api 10.96.0.1:90 by name, not a,b,c,d');
  assert.equal(chosenBy(without('api')), 'a 10.96.0.1:80 by age, not b,c,d');
  assert.equal(chosenBy(without('api', 'a')), 'b 10.96.0.1:80 by first-by-name, not c,d');
  assert.match(chosenBy(without('api', 'a', 'b')), /^c 10\.96\.0\.1:80 by port, not d$/);
  assert.equal(chosenBy(without('api', 'a', 'b', 'c')), 'd 10.96.0.1:90 by only, not ');
});
