/** What belongs to Consul itself is neither taken by a Service nor pointed at by one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';
import {
  endpoint,
  endpointsOf,
  ingress,
  namedEndpointsOf,
  reasonsOf,
  rule,
  service,
  slice,
  synced,
} from './objects.ts';

function alias(externalName: string, name = 'inventory') {
  return service({ metadata: { name, namespace: 'shop' }, spec: { type: 'ExternalName', externalName } });
}

const intoConsul: readonly (readonly [host: string, consulDomain?: string])[] = [
  ['inventory.service.consul'],
  ['inventory.service.consul.'],
  ['INVENTORY.Service.Consul'],
  ['inventory.service.dc1.consul'],
  ['v2.inventory.service.consul'],
  ['_inventory._tcp.service.consul'],
  ['inventory.connect.consul'],
  ['inventory.virtual.consul'],
  ['inventory.ingress.consul'],
  ['inventory.query.consul'],
  ['web-1.node.consul'],
  ['db.service.consul'],
  ['consul'],
  ['inventory.service.mesh.example', 'mesh.example'],
  ['inventory.service.mesh.example', '.Mesh.Example.'.slice(1)],
];

for (const [host, consulDomain = 'consul'] of intoConsul) {
  test(`an alias of ${host} is not registered with the domain ${consulDomain}, and says why`, () => {
    const result = synced(alias(host), {}, { consulDomain });
    assert.deepEqual([result.instances, reasonsOf(result)], [[], ['points-into-consul']]);
    assert.match(result.problems[0]?.message ?? '', /in the domain of Consul's DNS .* not registered/);
    assert.deepEqual(
      result.omitted.map(({ reason }) => reason),
      ['points-into-consul'],
    );
  });
}

for (const [host, consulDomain = 'consul'] of [
  ['inventory.example'],
  ['notconsul'],
  ['inventory.service.consul.example'],
  ['inventory.service.consul', 'mesh.example'],
  ['inventory.other.svc.cluster.local'],
] as const) {
  test(`an alias of ${host} is registered with the domain ${consulDomain}`, () => {
    const result = synced(alias(host), {}, { consulDomain });
    assert.deepEqual([endpointsOf(result), result.problems], [[`${host}:80 unchecked`], []]);
  });
}

for (const host of [
  'inventory',
  'inventory.shop',
  'inventory.shop.svc',
  'inventory.shop.svc.cluster.local',
  'Inventory.Shop.svc.cluster.local.',
]) {
  test(`an alias of ${host}, which is itself, is not registered`, () => {
    const result = synced(alias(host));
    assert.deepEqual([result.instances, reasonsOf(result)], [[], ['points-at-itself']]);
  });
}

test('load balancers and Ingress hosts in the domain of Consul are left out, and the rest stays', () => {
  const balanced = service({
    spec: { type: 'LoadBalancer' },
    loadBalancer: [{ hostname: 'web.service.consul' }, { ip: '2.2.2.2' }],
  });
  const ingresses = [ingress({ rules: [rule('web.service.consul'), rule('web.example')] })];
  const result = synced(balanced, { ingresses }, { enableIngress: true });
  assert.deepEqual(endpointsOf(result), ['2.2.2.2:80 unchecked', 'web.example:80 unchecked']);
  assert.deepEqual(reasonsOf(result), ['points-into-consul', 'points-into-consul']);
});

test('the dot of the root is not part of a registered name', () => {
  assert.deepEqual(endpointsOf(synced(alias('c.example.test.'))), ['c.example.test:80 unchecked']);
  const loadBalancer = [{ hostname: 'lb.example.' }];
  const balanced = service({ spec: { type: 'LoadBalancer' }, loadBalancer });
  assert.deepEqual(endpointsOf(synced(balanced)), ['lb.example:80 unchecked']);
});

const reserved: readonly [string, Parameters<typeof service>[0], Partial<ToConsulSettings>][] = [
  ['its name', { metadata: { name: 'consul' } }, {}],
  ['its name, of a proxy', { metadata: { name: 'web-sidecar-proxy' } }, {}],
  ['the annotation', { annotations: { 'service-name': 'consul' } }, {}],
  ['the annotation, in another case', { annotations: { 'service-name': ' Consul ' } }, {}],
  ['the annotation, of a proxy', { annotations: { 'service-name': 'web-Sidecar-Proxy' } }, {}],
  ['the prefix', { metadata: { name: 'sul' } }, { servicePrefix: 'con' }],
  ['the suffix', { metadata: { namespace: 'sidecar-proxy' } }, { addNamespaceSuffix: true }],
];

for (const [what, parts, settings] of reserved) {
  test(`a name of Consul by ${what} is not registered, and says whose it is`, () => {
    const result = synced(service(parts), { slices: [slice([endpoint('10.1.0.1')])] }, settings);
    assert.deepEqual([result.instances, reasonsOf(result)], [[], ['reserved-name']]);
    assert.match(result.problems[0]?.message ?? '', /Consul's own servers|the sidecar proxies/);
  });
}

test('names that only resemble those of Consul are registered', () => {
  for (const name of ['consul-ui', 'my-consul', 'sidecar-proxy', 'web-sidecar-proxy-2']) {
    const result = synced(service({ metadata: { name } }), { slices: [slice([endpoint('10.1.0.1')])] });
    assert.deepEqual([result.instances.length, result.problems], [1, []], name);
  }
});

test('a port whose own service would be a proxy is left out, and the Service stays', () => {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'sidecar-proxy', port: 90 },
  ];
  const result = synced(
    service({ spec: { ports } }),
    { slices: [slice([endpoint('10.1.0.1')], { ports })] },
    { multiPort: 'per-port' },
  );
  assert.deepEqual(namedEndpointsOf(result), ['web 10.1.0.1:80']);
  assert.deepEqual(reasonsOf(result), ['reserved-name']);
});
