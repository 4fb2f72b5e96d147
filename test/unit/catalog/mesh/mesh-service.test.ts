import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decidePod, problemOf } from '../../../../src/catalog/mesh/decide-pod.ts';
import { agentRegistrationsOf } from '../../../../src/catalog/mesh/agent-registration.ts';
import { registrationsOf } from '../../../../src/catalog/mesh/pod-registration.ts';
import type { MeshService } from '../../../../src/catalog/mesh/mesh-cluster.ts';
import { readMeshService, serviceNameOf } from '../../../../src/catalog/mesh/mesh-service.ts';
import { clusterOf, podOf, READY, type PodSketch } from './injected-pods.ts';

type ServiceSketch = {
  readonly created?: string;
  readonly selector?: Readonly<Record<string, string>> | null;
  readonly ports?: readonly object[];
  readonly type?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
};

function service(name: string, sketch: ServiceSketch = {}): object {
  const { created = '2026-01-01T00:00:00Z', selector = { app: 'web' }, type = 'ClusterIP' } = sketch;
  const { ports = [{ port: 80, targetPort: 9 }], namespace = 'default', labels } = sketch;
  const metadata = { name, namespace, labels, creationTimestamp: created };
  return { metadata, spec: { selector, ports, type } };
}

const read = (all: readonly object[]): readonly MeshService[] =>
  all.map(readMeshService).filter((each) => each !== undefined);

const LABELS = { app: 'web', tier: 'front' };

function nameOf(all: readonly object[], sketch: PodSketch = {}): string | undefined {
  const found = serviceNameOf(podOf({ labels: LABELS, ...sketch }), clusterOf({ services: read(all) }));
  return found && `${found.name} ${found.reason}`;
}

test('a pod is called after the Service that selects it, else after its container', () => {
  assert.equal(nameOf([service('shop')]), 'shop kubernetes-service');
  assert.equal(nameOf([]), 'web container');
  assert.equal(nameOf([service('shop', { selector: { app: 'web', tier: 'back' } })]), 'web container');
  assert.equal(nameOf([service('shop', { selector: null })]), 'web container');
  assert.equal(nameOf([service('shop', { selector: {} })]), 'web container');
  assert.equal(nameOf([service('shop', { type: 'ExternalName' })]), 'web container');
  assert.equal(nameOf([service('shop', { namespace: 'other' })]), 'web container');
  assert.equal(nameOf([service('consul'), service('a-sidecar-proxy')]), 'web container');
});

test('of thousands each is looked at once', () => {
  let looks = 0;
  const all = read(Array.from({ length: 2000 }, (_, at) => service(`s${at}`))).map((each) => ({
    ...each,
    get ports() {
      looks += 1;
      return each.ports;
    },
  }));
  const found = serviceNameOf(podOf({ labels: LABELS }), clusterOf({ services: all }));
  assert.equal(found?.name, 's0');
  assert.equal(looks, 2000);
});

test('of several: the one called like the container, one that leads to the port, the oldest, by name', () => {
  const old = { created: '2020-01-01T00:00:00Z' };
  const leads = { ports: [{ port: 80, targetPort: 'http' }] };
  assert.equal(nameOf([service('b'), service('a')]), 'a kubernetes-service');
  assert.equal(nameOf([service('a'), service('b', old)]), 'b kubernetes-service');
  assert.equal(nameOf([service('a', old), service('c', leads)]), 'c kubernetes-service');
  assert.equal(nameOf([service('a', { ...old, ...leads }), service('web')]), 'web kubernetes-service');
  assert.equal(
    nameOf([service('a', old), service('c', { ports: [{ port: 8080 }] })]),
    'c kubernetes-service',
  );
});

test('a Service that its author takes out of the mesh by the label of consul-k8s', () => {
  const old = { created: '2020-01-01T00:00:00Z' };
  const ignored = (word: string): ServiceSketch => ({
    ...old,
    labels: { 'consul.hashicorp.com/service-ignore': word },
  });
  assert.equal(nameOf([service('web', ignored('true')), service('shop')]), 'shop kubernetes-service');
  assert.equal(nameOf([service('a', ignored('t')), service('shop')]), 'shop kubernetes-service');
  assert.equal(nameOf([service('a', ignored('false')), service('shop')]), 'a kubernetes-service');
  assert.equal(nameOf([service('a', ignored('yes')), service('shop')]), 'a kubernetes-service');
  assert.equal(nameOf([service('shop', ignored('true'))]), 'web container');
});

test('a Service leads to the port by TCP only', () => {
  const old = { created: '2020-01-01T00:00:00Z' };
  const udp = { ...old, ports: [{ port: 8080, protocol: 'UDP' }] };
  const tcp = { ports: [{ port: 8080, protocol: 'TCP' }] };
  assert.equal(nameOf([service('a', udp), service('c', tcp)]), 'c kubernetes-service');
  const both = { ...old, ports: [...udp.ports, ...tcp.ports] };
  assert.equal(nameOf([service('a', both), service('c', tcp)]), 'a kubernetes-service');
});

test('a name that the author gave, and one that a Service may not change, stays', () => {
  const all = [service('shop')];
  assert.equal(nameOf(all, { annotations: { 'connect-service': 'pay' } }), 'pay annotation');
  assert.equal(nameOf(all, { flags: [] }), 'web container');
  const pod = podOf({ labels: LABELS });
  assert.equal(serviceNameOf(pod, clusterOf())?.name, 'web');
  const loggedIn = clusterOf({ services: read(all), accounts: {} });
  assert.equal(serviceNameOf(pod, loggedIn)?.name, 'web');
});

test('the Service that the author chose, once it selects the pod', () => {
  const chosen = { annotations: { 'kubernetes-service': 'b' } };
  assert.equal(nameOf([service('a'), service('b')], chosen), 'b kubernetes-service');
  assert.equal(nameOf([service('a')], chosen), 'web container');
});

test('a renamed instance keeps its ids; its proxy and its destination follow the name', () => {
  const cluster = clusterOf({ services: read([service('shop')]) });
  const [instance, proxy] = registrationsOf(podOf({ labels: LABELS }), cluster);
  assert.deepEqual([instance?.id, instance?.name], ['default.web-0.web', 'shop']);
  assert.deepEqual([proxy?.id, proxy?.name], ['default.web-0.web-sidecar-proxy', 'shop-sidecar-proxy']);
  assert.deepEqual(
    [proxy?.proxy?.destinationName, proxy?.proxy?.destinationId],
    ['shop', 'default.web-0.web'],
  );
});

test('a pod that logs in is the service of its ServiceAccount, or the one that this names, or none', () => {
  const status = { ...READY, conditions: [...READY.conditions, { type: 'Initialized', status: 'True' }] };
  const reasons = (accounts: Readonly<Record<string, string>>, sketch: PodSketch): readonly unknown[] =>
    (['--proxy-mode=dataplane', undefined] as const).map((flag) => {
      const flags = flag === undefined ? [] : [flag];
      const pod = podOf({ status, flags, ...sketch });
      const cluster = clusterOf({ accounts });
      const reason = decidePod(pod, cluster);
      const isRegistered =
        [...registrationsOf(pod, cluster), ...agentRegistrationsOf(pod, cluster)].length === 2;
      assert.equal(isRegistered, reason !== 'other-service-account');
      return reason;
    });
  const other = ['other-service-account', 'other-service-account'];
  const right = ['registered', 'agent-mode'];
  assert.deepEqual(reasons({}, {}), other);
  assert.deepEqual(reasons({}, { serviceAccount: 'web' }), right);
  assert.deepEqual(reasons({ 'default/default': 'web' }, {}), right);
  assert.deepEqual(reasons({ 'default/default': 'other', 'shop/default': 'web' }, {}), other);
  assert.deepEqual(reasons({}, { serviceAccount: 'web', annotations: { 'connect-service': 'pay' } }), other);
  const problem = problemOf(podOf(), 'other-service-account', clusterOf({ accounts: {} }));
  assert.match(
    problem ?? '',
    /^the service is "web" and the ServiceAccount "default": .*service-name: "web"$/,
  );
});

test('while pods come to log in, one that was injected before stays what it was', () => {
  const cluster = clusterOf({ services: read([service('shop')]), accounts: {}, keepsPlainPods: true });
  const login = '--consul-auth-method=k8s';
  const SEVERAL = { 'connect-service': 'web,admin', 'connect-service-port': '8080,9090' };
  for (const [mode, reason, name] of [
    ['--proxy-mode=dataplane', 'registered', 'shop'],
    ['--proxy-mode=agent', 'agent-mode', 'web'],
  ] as const) {
    const before = podOf({ labels: LABELS, flags: [mode] });
    assert.equal(decidePod(before, cluster), reason);
    assert.equal(serviceNameOf(before, cluster)?.name, name);
    const after = podOf({
      labels: LABELS,
      flags: [mode, login, '--service-account-check=warn'],
      annotations: { 'connect-service': 'web' },
    });
    assert.equal(decidePod(after, cluster), 'other-service-account');
    const several = podOf({ flags: [mode], annotations: SEVERAL });
    assert.equal(decidePod(several, cluster), reason);
  }
});
