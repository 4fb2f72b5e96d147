import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, namedEndpointsOf, node, reasonsOf, service, slice, synced } from './objects.ts';

const PORTS = [
  { name: 'admin', port: 81 },
  { name: 'http', port: 80, nodePort: 30080 },
  { name: 'grpc', port: 90, nodePort: 30090 },
];
const SLICE_PORTS = [
  { name: 'admin', port: 8081 },
  { name: 'http', port: 8080 },
  { name: 'grpc', port: 9090 },
];
const around = {
  slices: [slice([endpoint('10.1.0.1')], { ports: SLICE_PORTS })],
  nodes: [node('node-1', { ExternalIP: '1.1.1.1' })],
};

const kinds = {
  ClusterIP: { spec: { ports: PORTS } },
  NodePort: { spec: { type: 'NodePort', ports: PORTS } },
  LoadBalancer: { spec: { type: 'LoadBalancer', ports: PORTS }, loadBalancer: [{ ip: '2.2.2.2' }] },
  externalIPs: { spec: { type: 'NodePort', ports: PORTS, externalIPs: ['3.3.3.3'] } },
  ExternalName: { spec: { type: 'ExternalName', externalName: 'x.example', ports: PORTS } },
} as const;

const rows: readonly [keyof typeof kinds, string | undefined, string[], string[]][] = [
  ['ClusterIP', undefined, ['web 10.1.0.1:8081'], []],
  ['ClusterIP', 'grpc', ['web 10.1.0.1:9090'], []],
  ['ClusterIP', ' grpc ', ['web 10.1.0.1:9090'], []],
  ['ClusterIP', '1234', ['web 10.1.0.1:1234'], []],
  ['ClusterIP', 'nope', [], ['port-not-found']],
  ['ClusterIP', '', ['web 10.1.0.1:8081'], []],
  ['ClusterIP', ' ', [], ['port-not-found']],
  ['ClusterIP', '0', [], ['port-not-found']],
  ['ClusterIP', '65536', [], ['port-not-found']],
  ['NodePort', undefined, ['web 1.1.1.1:30080'], []],
  ['NodePort', 'grpc', ['web 1.1.1.1:30090'], []],
  ['NodePort', 'admin', [], ['port-not-found']],
  ['NodePort', '1234', ['web 1.1.1.1:1234'], []],
  ['LoadBalancer', undefined, ['web 2.2.2.2:81'], []],
  ['LoadBalancer', 'http', ['web 2.2.2.2:80'], []],
  ['LoadBalancer', 'nope', [], ['port-not-found']],
  ['externalIPs', undefined, ['web 3.3.3.3:81'], []],
  ['externalIPs', 'grpc', ['web 3.3.3.3:90'], []],
  ['ExternalName', undefined, ['web x.example:81'], []],
  ['ExternalName', 'grpc', ['web x.example:90'], []],
];

for (const [kind, asked, expected, problems] of rows) {
  test(`${kind}, service-port ${asked === undefined ? 'absent' : JSON.stringify(asked)}`, () => {
    const annotations = asked === undefined ? {} : { 'service-port': asked };
    const result = synced(service({ ...kinds[kind], annotations }), around);
    assert.deepEqual(namedEndpointsOf(result), expected);
    assert.deepEqual(reasonsOf(result), problems);
  });
}

test('a port that is not found names the annotation, the value, and the ports there are', () => {
  const result = synced(service({ ...kinds.ClusterIP, annotations: { 'service-port': 'htp' } }), around);
  assert.deepEqual(result.problems, [
    {
      reason: 'port-not-found',
      at: 'consul.hashicorp.com/service-port',
      message:
        '"htp" is neither a number from 1 to 65535 nor the name of a port with a number here (the Service has "admin", "http", "grpc"); the Service is not registered until it is',
    },
  ]);
});

test('a NodePort Service without a nodePort says so', () => {
  const result = synced(service({ spec: { type: 'NodePort', ports: [{ name: 'http', port: 80 }] } }), around);
  assert.deepEqual([result.instances, reasonsOf(result)], [[], ['no-node-port']]);
});

test('a Service port without endpoints is no problem, nor is a port that one slice lacks', () => {
  const of = service({ annotations: { 'service-port': 'http' } });
  assert.deepEqual(synced(of).problems, []);
  const slices = [slice([endpoint('10.1.0.1')]), slice([endpoint('10.1.0.2')], { ports: [] })];
  const result = synced(of, { slices });
  assert.deepEqual(namedEndpointsOf(result), ['web 10.1.0.1:8080']);
  assert.deepEqual(result.omitted, [{ reason: 'port-not-in-slice', what: '10.1.0.2' }]);
});

test('a port that only a slice has is found by its name', () => {
  const slices = [slice([endpoint('10.1.0.1')], { ports: [{ name: 'extra', port: 7000 }] })];
  const result = synced(service({ annotations: { 'service-port': 'extra' } }), { slices });
  assert.deepEqual(namedEndpointsOf(result), ['web 10.1.0.1:7000']);
});

const meta: readonly [keyof typeof kinds, Readonly<Record<string, string>>][] = [
  ['ClusterIP', { 'port-admin': '8081', 'port-http': '8080', 'port-grpc': '9090' }],
  ['NodePort', { 'port-http': '30080', 'port-grpc': '30090' }],
  ['LoadBalancer', { 'port-admin': '81', 'port-http': '80', 'port-grpc': '90' }],
  ['externalIPs', { 'port-admin': '81', 'port-http': '80', 'port-grpc': '90' }],
  ['ExternalName', { 'port-admin': '81', 'port-http': '80', 'port-grpc': '90' }],
];

for (const [kind, expected] of meta) {
  test(`${kind}: every port is in the meta with the number of its instance`, () => {
    const [instance] = synced(service(kinds[kind]), around).instances;
    const found = Object.entries(instance?.meta ?? {}).filter(([key]) => key.startsWith('port-'));
    assert.deepEqual(Object.fromEntries(found), expected);
  });
}

test('a port without a name is in the meta by its place', () => {
  const slices = [slice([endpoint('10.1.0.1')], { ports: [{ name: '', port: 8080 }] })];
  const [instance] = synced(service({ spec: { ports: [{ port: 80 }] } }), { slices }).instances;
  assert.equal(instance?.meta['port-0'], '8080');
  assert.equal(instance?.port, 8080);
});

const perPort: readonly [keyof typeof kinds, string | undefined, string[]][] = [
  ['ClusterIP', undefined, ['web 10.1.0.1:8081', 'web-grpc 10.1.0.1:9090', 'web-http 10.1.0.1:8080']],
  ['ClusterIP', 'http', ['web 10.1.0.1:8080', 'web-admin 10.1.0.1:8081', 'web-grpc 10.1.0.1:9090']],
  ['ClusterIP', '9090', ['web 10.1.0.1:9090', 'web-admin 10.1.0.1:8081', 'web-http 10.1.0.1:8080']],
  ['NodePort', undefined, ['web 1.1.1.1:30080', 'web-grpc 1.1.1.1:30090']],
  ['LoadBalancer', 'grpc', ['web 2.2.2.2:90', 'web-admin 2.2.2.2:81', 'web-http 2.2.2.2:80']],
];

for (const [kind, asked, expected] of perPort) {
  test(`--multi-port=per-port, ${kind}, service-port ${asked ?? 'absent'}`, () => {
    const annotations = asked === undefined ? {} : { 'service-port': asked };
    const result = synced(service({ ...kinds[kind], annotations }), around, { multiPort: 'per-port' });
    assert.deepEqual(namedEndpointsOf(result), expected);
    assert.deepEqual(result.problems, []);
  });
}
