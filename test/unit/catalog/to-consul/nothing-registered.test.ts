/** A Service that is synced and has no instance says why, unless it only waits for something. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';
import { endpoint, endpointsOf, ingress, node, reasonsOf, rule, service, slice, synced } from './objects.ts';

const NODES = [node('node-1', { InternalIP: '10.0.0.1' })];
const NODE_PORT = { type: 'NodePort' };
const UNNAMED = { ports: [{ port: 443, targetPort: 8443, nodePort: 30443 }] };
const byHand = (parts: object = {}) =>
  slice([{ addresses: ['192.0.2.40'] }], { ports: [{ name: '', port: 8443 }], ...parts });

const rows: readonly [
  string,
  Parameters<typeof service>[0],
  Parameters<typeof synced>[1],
  readonly string[],
  Partial<ToConsulSettings>?,
][] = [
  [
    'NodePort, endpoints without a node',
    { spec: { ...NODE_PORT, ...UNNAMED } },
    { slices: [byHand()] },
    ['no-node'],
  ],
  [
    'NodePort, no nodePort',
    { spec: { ...NODE_PORT, ports: [{ port: 80 }] } },
    { slices: [slice([endpoint('10.1.0.1')])] },
    ['no-node-port'],
  ],
  ['ClusterIP, a slice without the port', {}, { slices: [byHand()] }, ['port-not-in-slice']],
  [
    'headless, a slice without ports',
    { spec: { clusterIP: 'None' } },
    { slices: [byHand({ ports: [] })] },
    ['port-not-in-slice'],
  ],
  [
    'LoadBalancer by its endpoints, a slice without the port',
    { spec: { type: 'LoadBalancer' } },
    { slices: [byHand()] },
    ['port-not-in-slice'],
    { syncLoadBalancerEndpoints: true },
  ],
  ['ExternalName without a name', { spec: { type: 'ExternalName' } }, {}, ['no-external-name']],
  [
    'externalIPs of another family',
    { spec: { externalIPs: ['fd00::1'], ipFamilies: ['IPv4'] } },
    {},
    ['other-ip-family'],
  ],
  [
    'LoadBalancer, an address of another family',
    { spec: { type: 'LoadBalancer', ipFamilies: ['IPv6'] }, loadBalancer: [{ ip: '2.2.2.2' }] },
    {},
    ['other-ip-family'],
  ],
  ['ClusterIP without endpoints', {}, {}, []],
  ['NodePort without endpoints', { spec: NODE_PORT }, {}, []],
  ['LoadBalancer without an address', { spec: { type: 'LoadBalancer' } }, {}, []],
  [
    'terminating endpoints only',
    {},
    { slices: [slice([endpoint('10.1.0.1', { conditions: { ready: false, terminating: true } })])] },
    [],
  ],
  [
    'NodePort, a node that is not known yet',
    { spec: NODE_PORT },
    { slices: [slice([endpoint('10.1.0.1', { nodeName: 'node-9' })])] },
    [],
  ],
];

for (const [what, parts, around, reasons, settings] of rows) {
  test(`${what}: ${reasons.join() || 'left out, and no problem'}`, () => {
    const result = synced(service(parts), { nodes: NODES, ...around }, settings);
    assert.deepEqual([result.instances, reasonsOf(result)], [[], reasons]);
    assert.ok(result.omitted.length + result.problems.length > 0);
  });
}

test('endpoints made by hand are registered at a node when they name one, and themselves as ClusterIP', () => {
  const named = slice([{ addresses: ['192.0.2.40'], nodeName: 'node-1' }], {
    ports: [{ name: '', port: 8443 }],
  });
  const nodePort = service({ spec: { ...NODE_PORT, ...UNNAMED } });
  assert.deepEqual(endpointsOf(synced(nodePort, { slices: [named], nodes: NODES })), [
    '10.0.0.1:30443 passing',
  ]);
  assert.deepEqual(endpointsOf(synced(service({ spec: UNNAMED }), { slices: [byHand()] })), [
    '192.0.2.40:8443 passing',
  ]);
});

const backend = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } };

for (const [what, spec] of [
  ['a default backend only', backend],
  ['a rule without a host', { rules: [rule(undefined)] }],
  ['a wildcard host', { rules: [rule('*.example')] }],
] as const) {
  test(`an Ingress with ${what} says so, and is registered by the load balancer`, () => {
    const around = {
      slices: [slice([endpoint('10.1.0.1')])],
      ingresses: [ingress(spec, [{ ip: '5.5.5.5' }])],
    };
    const byHost = synced(service(), around, { enableIngress: true });
    assert.deepEqual(endpointsOf(byHost), ['10.1.0.1:8080 passing']);
    assert.deepEqual(reasonsOf(byHost), ['ingress-without-host']);
    assert.match(byHost.problems[0]?.message ?? '', /"front" .*--ingress-address=load-balancer/);
    const byAddress = synced(service(), around, { enableIngress: true, ingressAddress: 'load-balancer' });
    assert.deepEqual(endpointsOf(byAddress), ['5.5.5.5:80 passing']);
    assert.deepEqual(byAddress.problems, []);
    assert.deepEqual(synced(service(), around).problems, [], 'nothing is said while it is switched off');
  });
}
