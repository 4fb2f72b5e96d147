import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToConsulSettings } from '../../../src/catalog/to-consul/settings.ts';
import { endpoint, endpointsOf, ingress, rule, service, slice, synced } from './objects.ts';

const slices = [slice([endpoint('10.1.0.1')])];
const OWN = '10.1.0.1:8080 passing';
const HOST = { enableIngress: true } as const;
const LOAD_BALANCER = { enableIngress: true, ingressAddress: 'load-balancer' } as const;
const ADDRESSES = [{ ip: '5.5.5.5', hostname: 'unused' }, { hostname: 'lb.example' }];

const rows: readonly [string, object, Partial<ToConsulSettings>, string[]][] = [
  ['switched off', { rules: [rule('a.example')] }, {}, []],
  ['a host without TLS', { rules: [rule('a.example')] }, HOST, ['a.example:80']],
  [
    'a host that TLS covers',
    { rules: [rule('a.example'), rule('b.example')], tls: [{ hosts: ['A.example'] }] },
    HOST,
    ['a.example:443', 'b.example:80'],
  ],
  [
    'a wildcard covers one label',
    {
      rules: [rule('a.x.example'), rule('a.b.x.example'), rule('x.example')],
      tls: [{ hosts: ['*.x.example'] }],
    },
    HOST,
    ['a.b.x.example:80', 'a.x.example:443', 'x.example:80'],
  ],
  [
    'a TLS entry without hosts covers all',
    { rules: [rule('a.example')], tls: [{ secretName: 's' }] },
    HOST,
    ['a.example:443'],
  ],
  ['another Service', { rules: [rule('a.example', 'other')] }, HOST, []],
  [
    'any path',
    {
      rules: [
        {
          host: 'a.example',
          http: {
            paths: [
              { path: '/x', backend: { service: { name: 'other' } } },
              { path: '/y', backend: { service: { name: 'web' } } },
            ],
          },
        },
      ],
    },
    HOST,
    ['a.example:80'],
  ],
  ['the same host twice', { rules: [rule('a.example'), rule('a.example')] }, HOST, ['a.example:80']],
  ['no host', { rules: [rule(undefined)] }, HOST, []],
  ['a wildcard host', { rules: [rule('*.example')] }, HOST, []],
  ['a default backend only', { defaultBackend: { service: { name: 'web' } } }, HOST, []],
  [
    'a backend that is no Service',
    { rules: [{ host: 'a.example', http: { paths: [{ backend: {} }] } }] },
    HOST,
    [],
  ],
  ['a rule without http', { rules: [{ host: 'a.example' }] }, HOST, []],
  [
    'the load balancer',
    { rules: [rule('a.example'), rule('b.example')] },
    LOAD_BALANCER,
    ['5.5.5.5:80', 'lb.example:80'],
  ],
  [
    'the load balancer with TLS for one host',
    { rules: [rule('a.example'), rule('b.example')], tls: [{ hosts: ['a.example'] }] },
    LOAD_BALANCER,
    ['5.5.5.5:443', '5.5.5.5:80', 'lb.example:443', 'lb.example:80'],
  ],
  [
    'the load balancer for a wildcard host',
    { rules: [rule('*.example')], tls: [{ hosts: ['*.example'] }] },
    LOAD_BALANCER,
    ['5.5.5.5:443', 'lb.example:443'],
  ],
];

for (const [what, spec, settings, expected] of rows) {
  test(`Ingress: ${what}`, () => {
    const result = synced(service(), { slices, ingresses: [ingress(spec, ADDRESSES)] }, settings);
    assert.deepEqual(endpointsOf(result), [OWN, ...expected.map((each) => `${each} unchecked`)].sort());
  });
}

test('an Ingress of another namespace is not ours', () => {
  const other = { ...ingress({ rules: [rule('a.example')] }), namespace: 'team' };
  assert.deepEqual(endpointsOf(synced(service(), { slices, ingresses: [other] }, HOST)), [OWN]);
});

test('what gives no instance is said', () => {
  const of = (host: string | undefined, settings: Partial<ToConsulSettings>) =>
    synced(service(), { slices, ingresses: [ingress({ rules: [rule(host)] })] }, settings).omitted;
  assert.deepEqual(of(undefined, HOST), [{ reason: 'no-host', what: 'front' }]);
  assert.deepEqual(of('*.example', HOST), [{ reason: 'wildcard-host', what: 'front' }]);
  assert.deepEqual(of('a.example', LOAD_BALANCER), [{ reason: 'no-load-balancer-address', what: 'front' }]);
});

test('an instance of an Ingress refers to it', () => {
  const { instances } = synced(
    service({ spec: { type: 'LoadBalancer' } }),
    { ingresses: [ingress({ rules: [rule('a.example')] })] },
    HOST,
  );
  assert.equal(instances[0]?.meta['external-k8s-ref-kind'], 'Ingress');
  assert.equal(instances[0]?.meta['external-k8s-ref-name'], 'front');
  assert.equal(instances[0]?.meta['tandem-source'], 'Service/default/web');
});

test('a load balancer that a Service and its Ingress share is one instance', () => {
  const of = service({
    spec: { type: 'LoadBalancer', ports: [{ name: 'https', port: 443 }] },
    loadBalancer: [{ ip: '5.5.5.5' }],
  });
  const shared = ingress({ rules: [rule('a.example')], tls: [{ hosts: ['a.example'] }] }, [
    { ip: '5.5.5.5' },
  ]);
  assert.deepEqual(endpointsOf(synced(of, { ingresses: [shared] }, LOAD_BALANCER)), [
    '5.5.5.5:443 unchecked',
  ]);
});

test('a Service that is not registered for its port has no instance by Ingress either', () => {
  const result = synced(
    service({ annotations: { 'service-port': 'nope' } }),
    { slices, ingresses: [ingress({ rules: [rule('a.example')] })] },
    HOST,
  );
  assert.deepEqual(result.instances, []);
});
