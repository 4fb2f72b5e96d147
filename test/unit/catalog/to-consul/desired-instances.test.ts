/** Which instances each kind of Service has, with which address, port and check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readinessCheckId } from '../../../../src/model/consul-names.ts';
import { endpoint, endpointsOf, node, reasonsOf, service, slice, synced } from './objects.ts';

const NODE_PORT = { type: 'NodePort' };
const LOAD_BALANCER = { type: 'LoadBalancer' };
const NODES = [
  node('node-1', { ExternalIP: '1.1.1.1', InternalIP: '10.0.0.1' }, 'zone-a'),
  node('node-2', { InternalIP: '10.0.0.2' }),
  node('node-3', { ExternalIP: '1.1.1.3' }),
];

test('ClusterIP: each endpoint at its own port, IPv4 and IPv6, of all slices', () => {
  const slices = [
    slice([endpoint('10.1.0.1'), endpoint('10.1.0.2')]),
    slice([endpoint('fd00::1')], { addressType: 'IPv6', ports: [{ name: 'http', port: 8081 }] }),
  ];
  const result = synced(service(), { slices });
  assert.equal(result.addressRule, 'cluster-ip');
  assert.deepEqual(endpointsOf(result), [
    '10.1.0.1:8080 passing',
    '10.1.0.2:8080 passing',
    'fd00::1:8081 passing',
  ]);
});

test('losing a slice loses its endpoints only', () => {
  const both = synced(service(), { slices: [slice([endpoint('10.1.0.1')]), slice([endpoint('10.1.0.2')])] });
  const one = synced(service(), { slices: [slice([endpoint('10.1.0.2')])] });
  assert.deepEqual(
    one.instances,
    both.instances.filter(({ address }) => address === '10.1.0.2'),
  );
});

test('headless, with a port or without', () => {
  const slices = [slice([endpoint('10.1.0.1')])];
  assert.equal(synced(service({ spec: { clusterIP: 'None' } }), { slices }).addressRule, 'headless');
  const withoutPorts = synced(service({ spec: { clusterIP: 'None', ports: [] } }), {
    slices: [slice([endpoint('10.1.0.1')], { ports: [] })],
  });
  assert.deepEqual(endpointsOf(withoutPorts), ['10.1.0.1:0 passing']);
});

test('the same address in two slices is one instance, and its best state holds', () => {
  const bad = slice([endpoint('10.1.0.1', { conditions: { ready: false } })]);
  const good = slice([endpoint('10.1.0.1')]);
  for (const slices of [
    [bad, good],
    [good, bad],
  ])
    assert.deepEqual(endpointsOf(synced(service(), { slices })), ['10.1.0.1:8080 passing']);
});

const states = [
  endpoint('10.1.0.1', { conditions: {} }),
  endpoint('10.1.0.2', { conditions: undefined }),
  endpoint('10.1.0.3', { conditions: { ready: null } }),
  endpoint('10.1.0.4', { conditions: { ready: false } }),
  endpoint('10.1.0.5', { conditions: { ready: false, serving: true, terminating: true } }),
  endpoint('10.1.0.6', { conditions: { ready: true, terminating: true } }),
];
const READY = ['10.1.0.1:8080 passing', '10.1.0.2:8080 passing', '10.1.0.3:8080 passing'];

test('ready or unknown is passing, not ready is critical, terminating is out', () => {
  const result = synced(service(), { slices: [slice(states)] });
  assert.deepEqual(endpointsOf(result), [...READY, '10.1.0.4:8080 critical']);
  assert.deepEqual(result.omitted, [
    { reason: 'terminating', what: '10.1.0.5' },
    { reason: 'terminating', what: '10.1.0.6' },
  ]);
});

test('--not-ready=omit and --terminating=critical', () => {
  const result = synced(
    service(),
    { slices: [slice(states)] },
    { notReady: 'omit', terminating: 'critical' },
  );
  assert.deepEqual(endpointsOf(result), [...READY, '10.1.0.5:8080 critical', '10.1.0.6:8080 critical']);
  assert.deepEqual(result.omitted, [{ reason: 'not-ready', what: '10.1.0.4' }]);
});

test('the check has the name that people know, and its id comes from the instance', () => {
  const [instance] = synced(service(), { slices: [slice([states[3] ?? {}])] }).instances;
  assert.deepEqual(instance?.check, {
    id: readinessCheckId(instance?.id ?? ''),
    name: 'Kubernetes Readiness Check',
    status: 'critical',
    output: 'Kubernetes reports the endpoint as not ready',
  });
  assert.match(instance?.check?.id ?? '', /^web-[0-9a-f]{12}-readiness$/);
});

test('NodePort: one instance for each node with an endpoint, passing when one of its endpoints is', () => {
  const slices = [
    slice([
      endpoint('10.1.0.1', { conditions: { ready: false } }),
      endpoint('10.1.0.2'),
      endpoint('10.1.0.3', { nodeName: 'node-2', conditions: { ready: false } }),
      endpoint('10.1.0.4', { nodeName: undefined }),
    ]),
    slice([endpoint('10.1.0.5', { nodeName: 'node-9' })]),
  ];
  const result = synced(service({ spec: NODE_PORT }), { slices, nodes: NODES });
  assert.deepEqual(endpointsOf(result), ['1.1.1.1:30080 passing', '10.0.0.2:30080 critical']);
  assert.deepEqual(result.omitted, [
    { reason: 'no-node', what: '10.1.0.4' },
    { reason: 'unknown-node', what: 'node-9' },
  ]);
});

test('NodePort: a node whose endpoints are all left out has no instance', () => {
  const slices = [
    slice([
      endpoint('10.1.0.1', { conditions: { terminating: true } }),
      endpoint('10.1.0.2', { nodeName: 'node-2', conditions: { ready: false } }),
    ]),
  ];
  const of = (settings: Parameters<typeof synced>[2]) =>
    endpointsOf(synced(service({ spec: NODE_PORT }), { slices, nodes: NODES }, settings));
  assert.deepEqual(of({}), ['10.0.0.2:30080 critical']);
  assert.deepEqual(of({ notReady: 'omit' }), []);
  assert.deepEqual(of({ terminating: 'critical' }), ['1.1.1.1:30080 critical', '10.0.0.2:30080 critical']);
});

test('NodePort: of several nodes without an address the first one is named', () => {
  const names = ['node-4', 'node-5', 'node-6'];
  const slices = [slice(names.map((nodeName, index) => endpoint(`10.1.0.${index}`, { nodeName })))];
  const nodes = names.map((name) => node(name, { ExternalIP: '1.1.1.4' }));
  const result = synced(
    service({ spec: NODE_PORT }),
    { slices, nodes },
    { nodePortSyncType: 'InternalOnly' },
  );
  assert.equal(result.problems.length, 1);
  assert.match(
    result.problems[0]?.message ?? '',
    /^node "node-4" \(and 2 more\) has no InternalIP of family IPv4, /,
  );
});

const everywhere = slice(
  ['node-1', 'node-2', 'node-3'].map((nodeName, index) => endpoint(`10.1.0.${index}`, { nodeName })),
);
const addresses = [
  ['ExternalFirst', ['1.1.1.1', '1.1.1.3', '10.0.0.2'], []],
  ['ExternalOnly', ['1.1.1.1', '1.1.1.3'], ['node-2']],
  ['InternalOnly', ['10.0.0.1', '10.0.0.2'], ['node-3']],
] as const;

for (const [nodePortSyncType, expected, without] of addresses) {
  test(`NodePort: ${nodePortSyncType}`, () => {
    const result = synced(
      service({ spec: NODE_PORT }),
      { slices: [everywhere], nodes: NODES },
      { nodePortSyncType },
    );
    assert.deepEqual(
      endpointsOf(result),
      expected.map((address) => `${address}:30080 passing`),
    );
    assert.deepEqual(
      result.omitted,
      without.map((what) => ({ reason: 'no-node-address', what })),
    );
    assert.deepEqual(
      reasonsOf(result),
      without.map(() => 'no-node-address'),
    );
    for (const { message } of result.problems)
      assert.match(message, new RegExp(`"${without[0] ?? ''}".*node-port-sync`));
  });
}

test('LoadBalancer: each ip, else hostname, at the port of the Service, without a check', () => {
  const loadBalancer = [{ ip: '2.2.2.2', hostname: 'a.example' }, { hostname: 'lb.example' }, {}, { ip: '' }];
  const result = synced(service({ spec: LOAD_BALANCER, loadBalancer }));
  assert.deepEqual(endpointsOf(result), ['2.2.2.2:80 unchecked', 'lb.example:80 unchecked']);
});

test('LoadBalancer without an address yet', () => {
  const result = synced(service({ spec: LOAD_BALANCER }));
  assert.deepEqual([result.instances, result.problems], [[], []]);
  assert.deepEqual(result.omitted, [{ reason: 'no-load-balancer-address', what: '' }]);
});

test('LoadBalancer with --sync-lb-services-endpoints is like ClusterIP', () => {
  const result = synced(
    service({ spec: LOAD_BALANCER, loadBalancer: [{ ip: '2.2.2.2' }] }),
    { slices: [slice([endpoint('10.1.0.1')])] },
    { syncLoadBalancerEndpoints: true, syncClusterIpServices: false },
  );
  assert.equal(result.addressRule, 'load-balancer-endpoints');
  assert.deepEqual(endpointsOf(result), ['10.1.0.1:8080 passing']);
});

for (const type of ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']) {
  test(`externalIPs win over ${type}: each distinct address once`, () => {
    const spec = { type, externalName: 'x.example', externalIPs: ['3.3.3.3', '3.3.3.4', '3.3.3.3'] };
    const around = { slices: [everywhere], nodes: NODES };
    const result = synced(service({ spec, loadBalancer: [{ ip: '2.2.2.2' }] }), around);
    assert.equal(result.addressRule, 'external-ips');
    assert.deepEqual(endpointsOf(result), ['3.3.3.3:80 unchecked', '3.3.3.4:80 unchecked']);
  });
}

test('empty externalIPs win over nothing', () => {
  assert.equal(synced(service({ spec: { ...NODE_PORT, externalIPs: [] } })).addressRule, 'node-port');
});

test('ExternalName: its name at the first port, or 0', () => {
  const spec = { type: 'ExternalName', externalName: 'db.example' };
  assert.deepEqual(endpointsOf(synced(service({ spec }))), ['db.example:80 unchecked']);
  assert.deepEqual(endpointsOf(synced(service({ spec: { ...spec, ports: undefined } }))), [
    'db.example:0 unchecked',
  ]);
});

test('ExternalName without a name says so', () => {
  const result = synced(service({ spec: { type: 'ExternalName' } }));
  assert.deepEqual([result.instances, reasonsOf(result)], [[], ['no-external-name']]);
});

test('a Service without endpoints has no instances and no problem', () => {
  for (const type of ['ClusterIP', 'NodePort']) {
    const result = synced(service({ spec: { type } }));
    assert.deepEqual([result.instances, result.problems], [[], []]);
    assert.deepEqual(result.omitted, [{ reason: 'no-endpoints', what: '' }]);
  }
});

test('an id does not change with what may change on an instance', () => {
  const id = (
    parts: Parameters<typeof service>[0],
    ready: boolean,
    settings: Parameters<typeof synced>[2] = {},
  ) =>
    synced(
      service(parts),
      { slices: [slice([endpoint('10.1.0.1', { conditions: { ready }, zone: ready ? 'a' : 'b' })])] },
      settings,
    ).instances[0]?.id ?? '';
  const plain = id({}, true);
  assert.equal(id({ annotations: { 'service-tags': 'x', 'service-weight': '3' } }, false), plain);
  const hashOf = (text: string) => text.slice(-12);
  assert.equal(hashOf(id({ annotations: { 'service-name': 'other' } }, true)), hashOf(plain));
  assert.notEqual(id({}, true, { owner: 'c2' }), plain);
  assert.notEqual(id({ annotations: { 'service-port': '9000' } }, true), plain);
  assert.notEqual(
    hashOf(id({ metadata: { namespace: 'team' } }, true)),
    hashOf(plain),
    'Services of two namespaces with one name are apart',
  );
});

const peers = (nodeName: string, index: number, conditions: object) =>
  endpoint(`10.244.1.2${index}`, { nodeName, conditions });
const peerSlices = [
  slice([
    peers('node-1', 0, { ready: true, serving: true, terminating: true }),
    peers('node-2', 1, { ready: true, serving: false, terminating: false }),
    peers('node-3', 2, { serving: false, terminating: true }),
    // Written before the Service published it: Kubernetes does not call it ready.
    peers('node-3', 3, { ready: false, serving: true, terminating: true }),
    peers('node-3', 4, { ready: false }),
  ]),
];
const ofEndpoints = ['10.244.1.20', '10.244.1.21', '10.244.1.22'].map((each) => `${each}:8080 passing`);
const kept: readonly [object, readonly string[], Parameters<typeof synced>[2]?][] = [
  [{ clusterIP: 'None' }, [...ofEndpoints, '10.244.1.24:8080 critical']],
  [{}, [...ofEndpoints, '10.244.1.24:8080 critical']],
  [LOAD_BALANCER, [...ofEndpoints, '10.244.1.24:8080 critical'], { syncLoadBalancerEndpoints: true }],
  [NODE_PORT, ['1.1.1.1:30080 passing', '1.1.1.3:30080 passing', '10.0.0.2:30080 passing']],
];

for (const [spec, expected, settings] of kept) {
  test(`publishNotReadyAddresses keeps terminating peers: ${JSON.stringify(spec)}`, () => {
    const of = (publishNotReadyAddresses: boolean) =>
      synced(
        service({ spec: { ...spec, publishNotReadyAddresses } }),
        { slices: peerSlices, nodes: NODES },
        settings,
      );
    assert.deepEqual(endpointsOf(of(true)), expected);
    assert.ok(endpointsOf(of(false)).length < expected.length, 'others drop them');
  });
}
