/** Services with what surrounds them, as JSON that the API server could send, from few enough names that things meet. */
import fc from 'fast-check';
import type { ToConsulSettings } from '../../src/catalog/to-consul/to-consul-settings.ts';

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 6 });
const portName = fc.constantFrom('http', 'http', 'http', 'grpc', '0');
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', '5.5.5.5');
const nodeName = fc.constantFrom('n1', 'n2', 'n3');
const host = fc.constantFrom('a.example', 'B.example', '*.example', 'x.a.example', '');
const loadBalancer = fc.record({
  ingress: fc.array(fc.record({ ip: maybe(address), hostname: maybe(host) }), { maxLength: 3 }),
});

const annotations = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'service-sync',
        'service-name',
        'service-port',
        'service-tags',
        'service-weight',
        'service-meta-a',
        'service-meta-B_1',
        'service-meta-__proto__',
        'service-meta-port-http',
        'service-meta-tandem-owner',
        'service-meta-a b',
      ),
      fc.oneof(
        fc.constantFrom('true', 'http', '8080', 'web', 'WEB', 'a,b\\,c', '7', '', 'x'.repeat(600)),
        fc.string({ unit: 'binary', maxLength: 12 }),
      ),
    ),
    { maxLength: 3 },
  )
  .map((pairs) => Object.fromEntries(pairs.map(([name, value]) => [`consul.hashicorp.com/${name}`, value])));

const namespace = fc.constantFrom('default', 'default', 'default', 'team', 'team', 'kube-system');
const name = fc.constantFrom('web', 'web-http', 'db');

/** JSON of a Service of one of a few names and namespaces. */
export const rawService = fc.record({
  metadata: fc.record({ name, namespace, annotations }),
  spec: fc.record({
    type: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer') },
      { weight: 2, arbitrary: fc.constantFrom('ExternalName', undefined, 'Other') },
    ),
    clusterIP: fc.constantFrom('None', '10.96.0.1'),
    ipFamilies: maybe(fc.constantFrom(['IPv4'], ['IPv6'], ['IPv6', 'IPv4'])),
    publishNotReadyAddresses: fc.constantFrom(false, true),
    externalName: maybe(host),
    externalIPs: fc.option(fc.array(address, { maxLength: 2 }), { nil: undefined, freq: 1 }),
    ports: fc.uniqueArray(
      fc.record({
        name: portName,
        port: fc.constantFrom(80, 443, 90),
        nodePort: maybe(fc.constantFrom(30080, 30090)),
      }),
      { selector: ({ name: key }) => key, maxLength: 3 },
    ),
  }),
  status: fc.record({ loadBalancer }),
});

const endpoint = fc.record({
  addresses: fc.array(address, { minLength: 1, maxLength: 2 }),
  conditions: maybe(
    fc.record({
      ready: fc.constantFrom(true, false, undefined),
      terminating: fc.constantFrom(true, false, undefined),
    }),
  ),
  nodeName: maybe(nodeName),
  zone: maybe(fc.constantFrom('z1', 'z2')),
  targetRef: maybe(fc.record({ kind: fc.constant('Pod'), name: fc.constantFrom('p1', 'p2') })),
});

/** JSON of the slices of one Service; two may hold one address. */
export const rawSlices = fc.array(
  fc.record({
    metadata: fc.record({
      name: fc.constant('s'),
      namespace: fc.constant('default'),
      labels: fc.constant({ 'kubernetes.io/service-name': 'web' }),
    }),
    ports: fc.array(fc.record({ name: portName, port: fc.constantFrom(8080, 8443) }), { maxLength: 3 }),
    endpoints: fc.array(endpoint, { minLength: 1, maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 3 },
);

export const rawNodes = fc.uniqueArray(
  fc.record({
    metadata: fc.record({
      name: nodeName,
      labels: maybe(fc.constant({ 'topology.kubernetes.io/zone': 'z9' })),
    }),
    status: fc.record({
      addresses: fc.array(
        fc.record({ type: fc.constantFrom('ExternalIP', 'InternalIP', 'Hostname'), address }),
        { maxLength: 3 },
      ),
    }),
  }),
  { selector: ({ metadata }) => metadata.name, minLength: 2 },
);

export const rawIngresses = fc.array(
  fc.record({
    metadata: fc.record({ name: fc.constantFrom('i1', 'i2'), namespace }),
    spec: fc.record({
      rules: fc.array(
        fc.record({
          host: maybe(host),
          http: fc.record({
            paths: fc.array(fc.record({ backend: fc.record({ service: fc.record({ name }) }) }), {
              maxLength: 2,
            }),
          }),
        }),
        { maxLength: 3 },
      ),
      tls: maybe(fc.array(fc.record({ hosts: maybe(fc.array(host, { maxLength: 2 })) }), { maxLength: 2 })),
    }),
    status: fc.record({ loadBalancer }),
  }),
  { maxLength: 3 },
);

export const settings: fc.Arbitrary<ToConsulSettings> = fc.record({
  owner: fc.constant('c1'),
  allowNamespaces: fc.constant(['*']),
  denyNamespaces: fc.constant(['kube-system']),
  defaultSync: fc.constantFrom(true, true, true, true, true, false),
  syncClusterIpServices: fc.constantFrom(true, true, true, true, true, false),
  syncLoadBalancerEndpoints: fc.boolean(),
  nodePortSyncType: fc.constantFrom('ExternalFirst', 'ExternalOnly', 'InternalOnly'),
  multiPort: fc.constantFrom('default', 'per-port'),
  servicePrefix: fc.constantFrom('', 'k-'),
  addNamespaceSuffix: fc.boolean(),
  tag: fc.constantFrom('k8s', ''),
  notReady: fc.constantFrom('critical', 'omit'),
  terminating: fc.constantFrom('remove', 'critical'),
  enableIngress: fc.boolean(),
  ingressAddress: fc.constantFrom('host', 'load-balancer'),
  ingressMode: fc.constantFrom('replace', 'add'),
  consulDomain: fc.constantFrom('consul', 'example'),
  clusterDomain: fc.constant('cluster.local'),
});
