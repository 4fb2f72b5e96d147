import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';
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
  const of = (more: Partial<ToConsulSettings>): readonly string[] =>
    endpointsOf(
      synced(service(), { slices, ingresses: [ingress(spec, ADDRESSES)] }, { ...settings, ...more }),
    );

  test(`Ingress: ${what}`, () => {
    const replaced = expected.map((each) => `${each} passing`);
    assert.deepEqual(of({}), expected.length === 0 ? [OWN] : replaced.sort());
  });

  test(`Ingress beside the endpoints: ${what}`, () => {
    const added = expected.map((each) => `${each} unchecked`);
    assert.deepEqual(of({ ingressMode: 'add' }), [OWN, ...added].sort());
  });
}

const front = [ingress({ rules: [rule('a.example')] })];

test('an Ingress instead of endpoints is as healthy as the best of them', () => {
  const [ready, not] = [endpoint('10.1.0.1'), endpoint('10.1.0.2', { conditions: { ready: false } })];
  const of = (endpoints: readonly object[], settings: Partial<ToConsulSettings> = {}): readonly string[] =>
    endpointsOf(
      synced(service(), { slices: [slice(endpoints)], ingresses: front }, { ...HOST, ...settings }),
    );
  assert.deepEqual(of([ready, not]), ['a.example:80 passing']);
  assert.deepEqual(of([not]), ['a.example:80 critical']);
  assert.deepEqual(of([]), ['a.example:80 critical']);
  assert.deepEqual(of([not], { notReady: 'omit' }), []);
  assert.deepEqual(of([ready, not], { notReady: 'omit' }), ['a.example:80 passing']);
});

test('what an Ingress replaces is said, and only the endpoints are', () => {
  const { omitted } = synced(service(), { slices, ingresses: front }, HOST);
  assert.deepEqual(omitted, [{ reason: 'behind-ingress', what: '' }]);
  for (const [spec, status, own] of [
    [{ clusterIP: 'None' }, [], []],
    [{ externalIPs: ['192.0.2.9'] }, [], ['192.0.2.9:80 unchecked']],
    [{ type: 'LoadBalancer' }, [{ ip: '5.5.5.5' }], ['5.5.5.5:80 unchecked']],
    [{ type: 'ExternalName', externalName: 'db.example' }, [], ['db.example:80 unchecked']],
  ] as const) {
    const of = service({ spec: { ...spec }, loadBalancer: [...status] });
    const health = own.length === 0 ? 'passing' : 'unchecked';
    assert.deepEqual(
      endpointsOf(synced(of, { slices, ingresses: front }, HOST)),
      [`a.example:80 ${health}`, ...own].sort(),
    );
  }
  const balanced = service({ spec: { type: 'LoadBalancer' }, loadBalancer: [{ ip: '5.5.5.5' }] });
  const settings = { ...HOST, syncLoadBalancerEndpoints: true };
  assert.deepEqual(endpointsOf(synced(balanced, { slices, ingresses: front }, settings)), [
    'a.example:80 passing',
  ]);
});

test('an Ingress stands for the port that it leads to, and not for the others', () => {
  const ports = [
    { name: 'http', port: 8080 },
    { name: 'admin', port: 9090 },
  ];
  const two = slice([endpoint('10.1.0.1')], { ports });
  const of = service({ spec: { ports: ports.map(({ name, port }) => ({ name, port })) } });
  const result = synced(of, { slices: [two], ingresses: front }, { ...HOST, multiPort: 'per-port' });
  assert.deepEqual(endpointsOf(result), ['10.1.0.1:9090 passing', 'a.example:80 passing']);
});

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
