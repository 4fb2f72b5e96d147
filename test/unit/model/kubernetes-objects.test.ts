/** What is kept of Kubernetes objects, and that nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readEndpointSlice,
  readIngress,
  readNode,
  readService,
} from '../../../src/model/kubernetes-objects.ts';

test('a Service keeps what the sync reads; the large rest is not held in memory', () => {
  const read = readService({
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u1',
      labels: { app: 'web' },
      annotations: {
        'consul.hashicorp.com/service-tags': 'a',
        'consul.hashicorp.com/connect-inject': 'true',
        'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(1000),
      },
      managedFields: [{}],
    },
    spec: {
      type: 'NodePort',
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, nodePort: 30080, targetPort: 'web', protocol: 'TCP' },
        { name: 'none' },
        { name: 'big', port: 65536 },
        { port: 81, nodePort: 0 },
      ],
    },
  });
  assert.deepEqual(read, {
    namespace: 'default',
    name: 'web',
    uid: 'u1',
    type: 'NodePort',
    headless: false,
    publishesNotReady: false,
    ipFamilies: [],
    externalName: undefined,
    externalIps: [],
    loadBalancer: [],
    ports: [
      { name: 'http', port: 80, nodePort: 30080 },
      { name: '', port: 81, nodePort: undefined },
    ],
    annotations: new Map([['service-tags', 'a']]),
    notText: [],
    leftOut: [],
    areNoMap: false,
    madeByTandem: false,
  });
});

test('the first address of a type and family is the one of a node', () => {
  const addresses = [
    { type: 'Hostname', address: 'n1' },
    { type: 'ExternalIP', address: '' },
    { type: 'ExternalIP', address: '1.1.1.1' },
    { type: 'InternalIP', address: '10.0.0.1' },
    { type: 'ExternalIP', address: '1.1.1.2' },
    { type: 'InternalIP', address: 'fd00::1' },
  ];
  assert.deepEqual(readNode({ metadata: { name: 'n1' }, status: { addresses } }), {
    name: 'n1',
    externalIps: ['1.1.1.1'],
    internalIps: ['10.0.0.1', 'fd00::1'],
    zone: undefined,
  });
});

test('a slice without ports or endpoints, as the API server sends it, is empty', () => {
  const metadata = { name: 's', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } };
  const empty = { namespace: 'default', name: 's', service: 'web', ports: [], endpoints: [] };
  assert.deepEqual(readEndpointSlice({ metadata, ports: null, endpoints: null }), empty);
  assert.deepEqual(
    readEndpointSlice({ metadata, ports: [{ name: 'any', port: null }], endpoints: [{ addresses: [] }] }),
    empty,
  );
});

const nameless: readonly unknown[] = [
  undefined,
  null,
  7,
  'x',
  [],
  {},
  { metadata: null },
  { metadata: { name: 7 } },
];

test('what has no name is nothing', () => {
  for (const raw of nameless)
    for (const read of [readService, readEndpointSlice, readNode, readIngress])
      assert.equal(read(raw), undefined);
});

test('a slice that belongs to no Service is nothing', () => {
  assert.equal(readEndpointSlice({ metadata: { name: 's', namespace: 'default' } }), undefined);
});
