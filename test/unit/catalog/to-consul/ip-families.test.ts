/** What is registered in which IP family: that in which kube-proxy serves the Service. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';
import { readNode, type Node } from '../../../../src/model/kubernetes-objects.ts';
import { endpoint, endpointsOf, reasonsOf, service, slice, synced } from './objects.ts';

function dual(name: string, addresses: readonly (readonly [type: string, address: string])[]): Node {
  const status = { addresses: addresses.map(([type, address]) => ({ type, address })) };
  const read = readNode({ metadata: { name }, status });
  assert.ok(read);
  return read;
}

const NODES = [
  dual('node-1', [
    ['InternalIP', '10.1.0.11'],
    ['InternalIP', 'fd00:10::11'],
    ['InternalIP', '10.1.0.12'],
    ['ExternalIP', '1.1.1.1'],
  ]),
];
const four = slice([endpoint('10.244.0.7')]);
const six = slice([endpoint('fd00:30::7')], { addressType: 'IPv6' });

const rows: readonly [string, object, Partial<ToConsulSettings>, readonly string[]][] = [
  ['IPv6 only', { ipFamilies: ['IPv6'] }, {}, ['fd00:10::11:30080 passing']],
  ['IPv6 only, by its cluster IP', { clusterIP: 'fd00:20::5' }, {}, ['fd00:10::11:30080 passing']],
  ['IPv4 only', { ipFamilies: ['IPv4'] }, {}, ['1.1.1.1:30080 passing']],
  [
    'IPv4 only, internal',
    { ipFamilies: ['IPv4'] },
    { nodePortSyncType: 'InternalOnly' },
    ['10.1.0.11:30080 passing'],
  ],
  [
    'both, in any order',
    { ipFamilies: ['IPv6', 'IPv4'] },
    {},
    ['1.1.1.1:30080 passing', 'fd00:10::11:30080 passing'],
  ],
  ['not known: those of the endpoints', {}, {}, ['1.1.1.1:30080 passing', 'fd00:10::11:30080 passing']],
];

for (const [what, spec, settings, expected] of rows) {
  test(`NodePort: ${what}`, () => {
    const nodePort = service({ spec: { type: 'NodePort', ...spec } });
    const result = synced(nodePort, { slices: [six, four], nodes: NODES }, settings);
    assert.deepEqual([endpointsOf(result), result.problems], [expected, []]);
  });
}

test('NodePort: a node without an address of the family is left out, and says which family', () => {
  const nodePort = service({ spec: { type: 'NodePort', ipFamilies: ['IPv4', 'IPv6'] } });
  const around = { slices: [four, six], nodes: NODES };
  const result = synced(nodePort, around, { nodePortSyncType: 'ExternalOnly' });
  assert.deepEqual(endpointsOf(result), ['1.1.1.1:30080 passing']);
  assert.deepEqual(reasonsOf(result), ['no-node-address']);
  assert.match(result.problems[0]?.message ?? '', /"node-1" has no ExternalIP of family IPv6/);
});

test('NodePort: each family has the state of its own endpoints', () => {
  const down = slice([endpoint('fd00:30::7', { conditions: { ready: false } })], { addressType: 'IPv6' });
  const nodePort = service({ spec: { type: 'NodePort', ipFamilies: ['IPv4', 'IPv6'] } });
  assert.deepEqual(endpointsOf(synced(nodePort, { slices: [four, down], nodes: NODES })), [
    '1.1.1.1:30080 passing',
    'fd00:10::11:30080 critical',
  ]);
});

test('NodePort: endpoints of another family only are nothing, and say so', () => {
  const nodePort = service({ spec: { type: 'NodePort', ipFamilies: ['IPv6'] } });
  const result = synced(nodePort, { slices: [four], nodes: NODES });
  assert.deepEqual([result.instances, reasonsOf(result)], [[], ['other-ip-family']]);
});

const ADDRESSES = ['2.2.2.2', 'fd7c:53a5::2'];
const served: readonly [object, readonly string[]][] = [
  [{ ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' }, ['2.2.2.2:80 unchecked']],
  [{ ipFamilies: ['IPv6'] }, ['fd7c:53a5::2:80 unchecked']],
  [{ ipFamilies: ['IPv4', 'IPv6'] }, ['2.2.2.2:80 unchecked', 'fd7c:53a5::2:80 unchecked']],
  [{}, ['2.2.2.2:80 unchecked', 'fd7c:53a5::2:80 unchecked']],
];

for (const [spec, expected] of served) {
  test(`addresses of a load balancer and externalIPs of ${JSON.stringify(spec)}`, () => {
    const loadBalancer = [...ADDRESSES.map((ip) => ({ ip })), { hostname: 'lb.example' }];
    const balanced = synced(service({ spec: { type: 'LoadBalancer', ...spec }, loadBalancer }));
    assert.deepEqual(endpointsOf(balanced), [...expected, 'lb.example:80 unchecked']);
    const external = synced(service({ spec: { externalIPs: ADDRESSES, ...spec } }));
    assert.deepEqual(endpointsOf(external), expected);
    for (const { problems } of [balanced, external])
      assert.deepEqual(
        problems.map(({ reason }) => reason),
        expected.length === 2 ? [] : ['other-ip-family'],
      );
  });
}

test('endpoints are registered in the families of their slices', () => {
  const clusterIp = service({ spec: { ipFamilies: ['IPv4', 'IPv6'] } });
  assert.deepEqual(endpointsOf(synced(clusterIp, { slices: [four, six] })), [
    '10.244.0.7:8080 passing',
    'fd00:30::7:8080 passing',
  ]);
});
