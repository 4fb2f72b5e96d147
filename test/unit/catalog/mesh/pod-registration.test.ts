import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMeshNode, type MeshCluster } from '../../../../src/catalog/mesh/mesh-cluster.ts';
import { decidePod, problemOf } from '../../../../src/catalog/mesh/decide-pod.ts';
import { readInjectedPod } from '../../../../src/catalog/mesh/registered-pod.ts';
import { registrationsOf } from '../../../../src/catalog/mesh/pod-registration.ts';
import { NO_HOSTS } from '../../support/no-hosts.ts';
import { ADDRESSES, injectedPod, podOf, READY, CLUSTER, clusterOf } from './injected-pods.ts';

test('a ready pod is a service and a proxy on the synthetic node, each with a passing check', () => {
  const [service, proxy, ...others] = registrationsOf(
    podOf({
      annotations: {
        'connect-service-upstreams': 'db:5432, prepared_query:near:5433, api.svc.east.dc:5434',
        'service-tags': 'a,$POD_NAME',
        'service-meta-team': 'x',
      },
    }),
    CLUSTER,
  );
  assert.equal(others.length, 0);
  const common = {
    node: { name: 'k8s-c1-node-1', address: '10.0.0.1' },
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
    kind: 'service',
    id: 'default.web-0.web',
    name: 'web',
    port: 8080,
    check: { ...check, id: 'default.web-0.web-readiness' },
  });
  const none = { namespace: '', partition: '', peer: '', destinationPort: '', meshGateway: '' };
  const upstream = { ...none, type: 'service', datacenter: '', bindAddress: '127.0.0.1' };
  assert.deepEqual(proxy, {
    ...common,
    kind: 'connect-proxy',
    id: 'default.web-0.web-sidecar-proxy',
    name: 'web-sidecar-proxy',
    port: 20000,
    check: { ...check, id: 'default.web-0.web-sidecar-proxy-readiness' },
    proxy: {
      destinationName: 'web',
      destinationId: 'default.web-0.web',
      localAddress: '127.0.0.1',
      localPort: 8080,
      upstreams: [
        { ...upstream, name: 'db', bindPort: 5432 },
        { ...upstream, type: 'prepared_query', name: 'near', bindPort: 5433 },
        { ...upstream, name: 'api', datacenter: 'east', bindPort: 5434 },
      ],
      config: { bind_address: '0.0.0.0' },
      mode: '',
      exposed: [],
    },
  });
});

const PROBES = [
  { path: '/healthz', listenerPort: 20400, localPort: 8080, protocol: 'http' },
  { path: '/grpc.health.v1.Health/Check', listenerPort: 20301, localPort: 50051, protocol: 'http2' },
];

test('a redirected pod: its proxy is transparent, and exposes its probes', () => {
  const [service, proxy] = registrationsOf(podOf({ exposed: PROBES }), CLUSTER);
  assert.equal(service?.proxy, undefined);
  assert.deepEqual([proxy?.proxy?.mode, proxy?.proxy?.exposed], ['transparent', PROBES]);
});

test('a mode or an exposed path that Consul would refuse makes a registration invalid', () => {
  const [probe] = PROBES;
  assert.ok(probe !== undefined);
  for (const wrong of [{ path: 'healthz' }, { listenerPort: 0 }, { localPort: 65_536 }, { protocol: 'tcp' }])
    assert.equal(
      decidePod(podOf({ exposed: [{ ...probe, ...wrong }] }), CLUSTER),
      'invalid-registration',
      JSON.stringify(wrong),
    );
});

test('the annotations win over what is left of the containers: service name, named port, no port', () => {
  const named = registrationsOf(
    podOf({
      annotations: { 'connect-service': 'shop', 'connect-service-port': 'admin' },
      container: { ports: [{ containerPort: 80 }, { name: 'admin', containerPort: 81 }] },
    }),
    CLUSTER,
  );
  assert.deepEqual(
    named.map(({ id, name, port }) => [id, name, port]),
    [
      ['default.web-0.shop', 'shop', 81],
      ['default.web-0.shop-sidecar-proxy', 'shop-sidecar-proxy', 20000],
    ],
  );
  const [service, proxy] = registrationsOf(podOf({ container: {} }), CLUSTER);
  assert.equal(service?.port, 0);
  assert.deepEqual([proxy?.proxy?.localAddress, proxy?.proxy?.localPort], ['', 0]);
});

test('metrics: by annotation, by the flags of the webhook, with its port', () => {
  const any = { bind_address: '0.0.0.0' };
  const config = (flags: readonly string[], annotations = {}): unknown =>
    registrationsOf(podOf({ flags: ['--proxy-mode=dataplane', ...flags], annotations }), CLUSTER)[1]?.proxy
      ?.config;
  assert.deepEqual(config([]), any);
  assert.deepEqual(config(['--enable-metrics', '--prometheus-scrape-port=9999']), {
    ...any,
    envoy_prometheus_bind_addr: '0.0.0.0:9999',
  });
  assert.deepEqual(config([], { 'enable-metrics': 'true', 'prometheus-scrape-port': '7777' }), {
    ...any,
    envoy_prometheus_bind_addr: '0.0.0.0:7777',
  });
  assert.deepEqual(config(['--enable-metrics'], { 'enable-metrics': 'false' }), any);
});

const not = (message?: string): object => ({
  ...ADDRESSES,
  conditions: [{ type: 'Ready', status: 'False', ...(message === undefined ? {} : { message }) }],
});

test('the check follows the Ready condition; a pod that terminates is critical although it is ready', () => {
  const check = (status: object, deleted = false): unknown => {
    const [service] = registrationsOf(podOf({ status, deleted }), CLUSTER);
    return [service?.check?.status, service?.check?.output];
  };
  assert.deepEqual(check(READY), ['passing', 'the pod is ready']);
  assert.deepEqual(check(not('web is sick')), ['critical', 'web is sick']);
  assert.deepEqual(check(not()), ['critical', 'the pod is not ready']);
  assert.deepEqual(check(ADDRESSES), ['critical', 'the pod is not ready']);
  assert.deepEqual(check(not('a\n\u009b')), ['critical', 'a \\x9b']);
  const unknown = { ...ADDRESSES, conditions: [{ type: 'Ready', status: 'Unknown', message: 'silence' }] };
  assert.deepEqual(check(unknown), ['critical', 'silence']);
  assert.deepEqual(check(READY, true), ['critical', 'the pod is terminating']);
});

test('which pods are registered, and why the others are not', () => {
  const reason = (sketch: Parameters<typeof podOf>[0]): string => {
    const pod = podOf(sketch);
    const decision = decidePod(pod, CLUSTER);
    assert.equal(registrationsOf(pod, CLUSTER).length, decision === 'registered' ? 2 : 0);
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
  assert.equal(reason({ status: { hostIP: '10.0.0.1' } }), 'registered');
  assert.equal(reason({ status: { podIP: '10.1.0.1' } }), 'not-scheduled');
});

test('annotations and the record of a pod that lives decide nothing', () => {
  const before = podOf();
  const pod = structuredClone(injectedPod()) as { metadata: { annotations: Record<string, unknown> } };
  pod.metadata.annotations = {
    'consul.hashicorp.com/connect-inject-status': 'injected',
    'consul.hashicorp.com/connect-service': 'payments',
    'consul.hashicorp.com/connect-service-upstreams': 'db',
    'consul.hashicorp.com/service-tags': 'x',
    'tandem/injected': '{}',
  };
  assert.deepEqual(readInjectedPod(pod), before);
});

test('a pod of another owner, of consul-k8s, or of nobody is not registered', () => {
  assert.equal(decidePod(podOf(), clusterOf({ owner: 'c2' })), 'other-owner');
  const claimed = (metadata: object, containers: readonly object[] = []): string => {
    const raw = {
      metadata: { name: 'a', namespace: 'b', uid: 'c', ...metadata },
      spec: { nodeName: 'node-1', containers: [{ name: 'web' }, ...containers] },
      status: READY,
    };
    const pod = readInjectedPod(raw);
    assert.ok(pod);
    assert.deepEqual(registrationsOf(pod, CLUSTER), []);
    return decidePod(pod, CLUSTER);
  };
  assert.equal(claimed({}), 'not-injected');
  assert.equal(claimed({}, [{ name: 'consul-dataplane', args: ['-addresses=consul'] }]), 'not-injected');
  const prefix = 'consul.hashicorp.com/';
  assert.equal(claimed({ annotations: { [`${prefix}connect-k8s-version`]: '1.3.0' } }), 'by-consul-k8s');
  assert.equal(claimed({ labels: { [`${prefix}connect-inject-managed-by`]: 'x' } }), 'by-consul-k8s');
  const args = ['-proxy-service-id-path=/consul/connect-inject/proxyid'];
  assert.equal(claimed({}, [{ name: 'consul-dataplane', args }]), 'by-consul-k8s');
});

const registered = (edit: (text: string) => string): readonly unknown[] => {
  const text = JSON.stringify(injectedPod({ annotations: { 'service-meta-team': 'x' } }));
  const pod = JSON.parse(text, (key, value: unknown) => {
    const isRegistration = key === 'value' && typeof value === 'string' && value.startsWith('{"services"');
    return isRegistration ? edit(value) : value;
  }) as unknown;
  const read = readInjectedPod(pod);
  assert.ok(read);
  assert.equal(registrationsOf(read, CLUSTER).length === 0, decidePod(read, CLUSTER) !== 'registered');
  return [decidePod(read, CLUSTER), problemOf(read, 'invalid-registration', CLUSTER) ?? ''];
};

const upstream = (name: string, datacenter = 'dc1'): string =>
  `{"destination_type":"service","destination_name":"${name}","datacenter":"${datacenter}","local_bind_address":"127.0.0.1","local_bind_port":1234}`;

test('a registration that is damaged, of another pod, or under a name of Consul is not registered', () => {
  const wrong: Readonly<Record<string, readonly [string | RegExp, string]>> = {
    'is not JSON': [/^\{/, ''],
    'are not of this pod': [/\$\(POD_NAMESPACE\)\./g, 'other.'],
    'which are not of this pod': [/\$\(POD_NAME\)\.web/g, 'web-0.b.web'],
    'names? which no service can have': [/"name":"web"/g, '"name":"we b"'],
    'is reserved in Consul': [/"name":"web"/g, '"name":"Consul"'],
    'is reserved': [/"name":"web"/g, '"name":"a-sidecar-proxy"'],
    'has an invalid port': ['"port":8080', '"port":99999'],
    'has tags': ['"tags":[]', '"tags":[1]'],
    'has meta that Consul does not accept': ['"team":"x"', '"consul-team":"x"'],
    'has invalid upstreams': ['"upstreams":[]', '"upstreams":[{}]'],
    'an incomplete character': ['"tags":[]', '"tags":["\\ud800"]'],
    'an incomplete': ['"upstreams":[]', '"upstreams":[],"config":{"a":[{"\\udc00":1}]}'],
    '1. a control character': ['"upstreams":[]', `"upstreams":[${upstream('db\\u001b[2J')}]`],
    '2. a control character': ['"upstreams":[]', `"upstreams":[${upstream('db', 'dc1\\u202e')}]`],
    '3. a control character': [
      '"upstreams":[]',
      '"upstreams":[],"expose":{"paths":[{"path":"/\\u0007","listener_port":1,"local_path_port":2,"protocol":"http"}]}',
    ],
    'with null in a list': ['"upstreams":[]', '"upstreams":[],"config":{"a":{"b":[[1,null]]}}'],
    'has an invalid config': [
      '"upstreams":[]',
      `"upstreams":[],"config":{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`,
    ],
  };
  assert.deepEqual(registered((text) => text)[0], 'registered');
  const lines = `"upstreams":[${upstream('db')}],"config":{"envoy_extra":"{\\n\\t}"}`;
  assert.deepEqual(registered((text) => text.replace('"upstreams":[]', lines))[0], 'registered');
  for (const [message, [from, to]] of Object.entries(wrong)) {
    const [reason, problem] = registered((text) => text.replace(from, to));
    assert.equal(reason, 'invalid-registration', message);
    assert.match(String(problem), new RegExp(message.split(/[?.] /).at(-1) ?? ''), message);
  }
});

test('no control character of a registration reaches Consul, and the pod stays registered', () => {
  const text = JSON.stringify(
    injectedPod({ annotations: { 'service-meta-team': 'x', 'service-tags': 'a' } }),
  );
  const pod = JSON.parse(text, (key, value: unknown) =>
    key === 'value' && typeof value === 'string' && value.startsWith('{"services"')
      ? value
          .replaceAll('"tags":["a"]', String.raw`"tags":["a","b\u001b[2J"]`)
          .replaceAll('"team":"x"', String.raw`"team":"x","note":"\u202e"`)
          .replaceAll(
            '"upstreams":[]',
            String.raw`"upstreams":[],"config":{"a":[{"b\u009b":1}],"c\u0007":1,"d":{"e":"\r"},"__proto__":{"f":"g\r\n\t"},"h":5}`,
          )
      : value,
  ) as unknown;
  const read = readInjectedPod(pod);
  assert.ok(read);
  const registrations = registrationsOf(read, CLUSTER);
  for (const { tags, meta } of registrations) {
    assert.deepEqual(tags, ['a']);
    assert.deepEqual([meta['team'], meta['note']], ['x', undefined]);
  }
  const configs = registrations.flatMap(({ proxy }) => (proxy === undefined ? [] : proxy.config));
  assert.deepEqual(configs, [
    JSON.parse(String.raw`{"bind_address":"0.0.0.0","__proto__":{"f":"g\r\n\t"},"h":5}`),
  ]);
  assert.equal(decidePod(read, CLUSTER), 'registered');
});

/** A pod of any namespace whose author wrote what the webhook writes. */
function forged(
  namespace: string,
  name: string,
  container: string,
  change: readonly [RegExp, string][],
): string {
  const sketch = { namespace, name, serviceAccount: 'app', annotations: { 'connect-service': 'app' } };
  let text = JSON.stringify(injectedPod(sketch));
  for (const [from, to] of change) text = text.replaceAll(from, to);
  const pod = readInjectedPod(JSON.parse(text.replaceAll('"consul-dataplane"', JSON.stringify(container))));
  assert.ok(pod);
  return decidePod(pod, clusterOf({ accounts: {} }));
}

const OLD_ID: [RegExp, string] = [/\$\(POD_NAMESPACE\)\.\$\(POD_NAME\)\./g, '$(POD_NAME)-'];

test('no pod takes the id of another one by the form that ids had before', () => {
  // As the pod web-0 of namespace shop has them when its service is my-app.
  assert.equal(forged('evil', 'shop.web-0.my', 'consul-dataplane', [OLD_ID]), 'invalid-registration');
  assert.equal(
    forged('evil', 'shop.web-0.my', 'consul-connect-inject-init', [OLD_ID]),
    'invalid-registration',
  );
  assert.equal(forged('evil', 'web-0', 'consul-connect-inject-init', [OLD_ID]), 'agent-mode');
});

test('a pod whose spec has a registration is on no node of the form that nodes had before', () => {
  const oldNode: [RegExp, string] = [/k8s-[a-z0-9-]+-\$\(NODE_NAME\)/g, '$(NODE_NAME)-virtual'];
  assert.equal(forged('evil', 'web-0', 'consul-dataplane', [oldNode]), 'other-owner');
});

test('of what the kubelet says no more is kept than an agent would keep', () => {
  const conditions = [{ type: 'Ready', status: 'False', message: `${'x'.repeat(4095)}😀`.repeat(100) }];
  const [service] = registrationsOf(podOf({ status: { ...READY, conditions } }), CLUSTER);
  assert.equal(service?.check?.output, `${'x'.repeat(4095)}\ufffd`);
});

test('what says whose an instance is comes from facts, whatever the registration says', () => {
  const text = JSON.stringify(injectedPod({ annotations: { 'service-meta-team': 'x' } }))
    .replaceAll('$(POD_UID)', 'z')
    .replaceAll('\\"managed-by\\":\\"tandem', '\\"managed-by\\":\\"z')
    .replaceAll('\\"k8s-namespace\\":\\"', '\\"k8s-namespace\\":\\"z');
  const pod = readInjectedPod(JSON.parse(text));
  assert.ok(pod);
  const [service] = registrationsOf(pod, CLUSTER);
  assert.deepEqual(service?.meta, { ...registrationsOf(podOf(), CLUSTER)[0]?.meta, team: 'x' });
});

test('a pod that runs since before goes on under its ids, on the node where its sidecar looks', () => {
  const annotations = { 'connect-service-upstreams': 'db:5432', 'service-tags': '$POD_NAME' };
  const [before, proxy] = registrationsOf(podOf({ isLegacy: true, annotations }), CLUSTER);
  assert.deepEqual(
    [before?.node.name, before?.id, before?.name, before?.port, before?.tags],
    ['node-1-virtual', 'web-0-web', 'web', 8080, ['web-0']],
  );
  assert.deepEqual([proxy?.id, proxy?.proxy?.upstreams.length], ['web-0-web-sidecar-proxy', 1]);
});

test('where the sidecar listens follows the address of the pod, else what its node gives to pods', () => {
  const nodes = (podCidr: string | undefined, address = '10.0.0.1'): MeshCluster =>
    clusterOf({ nodes: [{ name: 'node-1', address, podCidr }] });
  const listens = (status: object, cluster: MeshCluster): unknown =>
    registrationsOf(podOf({ status, annotations: { 'enable-metrics': 'true' } }), cluster)[1]?.proxy?.config;
  const v4 = { bind_address: '0.0.0.0', envoy_prometheus_bind_addr: '0.0.0.0:20200' };
  const v6 = { bind_address: '::', envoy_prometheus_bind_addr: '[::]:20200' };
  assert.deepEqual(listens({}, nodes('10.1.0.0/24', 'fd00::1')), v4);
  assert.deepEqual(listens({}, nodes('fd00:1::/64')), v6);
  assert.deepEqual(listens({}, nodes(undefined, 'fd00::1')), v6);
  assert.deepEqual(listens({ podIP: 'fd00:1::9' }, nodes('10.1.0.0/24')), v6);
  assert.deepEqual(listens({ podIP: '10.1.0.9' }, nodes('fd00:1::/64')), v4);
});

test('a sidecar that runs since before keeps its listener', () => {
  assert.deepEqual(registrationsOf(podOf({ isLegacy: true }), CLUSTER)[1]?.proxy?.config, {});
});

test('what has no name, namespace or UID is no pod', () => {
  for (const raw of [undefined, null, 1, {}, { metadata: { name: 'a', namespace: 'b' } }])
    assert.equal(readInjectedPod(raw), undefined);
});

for (const host of NO_HOSTS)
  test(`a place that is no IP address is refused by its name: ${JSON.stringify(host.slice(0, 40))}`, () => {
    const node = readMeshNode({
      metadata: { name: 'node-1' },
      status: { addresses: [{ type: 'InternalIP', address: host }] },
    });
    assert.ok(node);
    assert.equal(node.address, undefined);
    for (const flags of [['--proxy-mode=dataplane'], ['--proxy-mode=agent']])
      for (const [nodes, status] of [
        [[], { ...READY, podIP: host }],
        [[], { ...READY, hostIP: host }],
        [[node], { ...READY, hostIP: undefined }],
      ] as const) {
        const pod = podOf({ status, flags });
        const cluster = clusterOf({ nodes });
        assert.ok(pod.hostIp !== host && pod.podIp !== host);
        assert.deepEqual(registrationsOf(pod, cluster), []);
        const reason = decidePod(pod, cluster);
        assert.equal(reason, 'invalid-address');
        const shown = JSON.stringify(host).slice(0, 9);
        assert.ok(problemOf(pod, reason, cluster)?.includes(shown), problemOf(pod, reason, cluster));
      }
  });

test('of several addresses of a node the first one that is one counts', () => {
  const addresses = ['a b', '10.0.0.7', '10.0.0.8'].map((address) => ({ type: 'InternalIP', address }));
  const node = readMeshNode({ metadata: { name: 'node-1' }, status: { addresses } });
  assert.deepEqual([node?.address, node?.refusedAddress], ['10.0.0.7', undefined]);
});
