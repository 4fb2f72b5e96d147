/** What each option of the sync changes in Consul: one pass with it over the same cluster, each under an owner of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { startScene } from '../harness/scene.ts';
import { syncOnce } from '../harness/tandem-sync.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const cluster = clusterObjects(api);
await cluster.node('node-1', { InternalIP: '10.1.0.1', ExternalIP: '192.0.2.1' });
await cluster.node('node-2', { InternalIP: '10.1.0.2' });
await cluster.service('web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
await cluster.endpoints('web', 8080, [
  { address: '10.2.0.1', node: 'node-1' },
  { address: '10.2.0.2', node: 'node-2' },
]);
await cluster.service('api', {
  ports: [
    { name: 'http', port: 80 },
    { name: 'admin', port: 81 },
  ],
});
await api.admin.expect('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
  metadata: { name: 'api-1', labels: { 'kubernetes.io/service-name': 'api' } },
  addressType: 'IPv4',
  ports: [
    { name: 'http', port: 8080 },
    { name: 'admin', port: 8081 },
  ],
  endpoints: [
    { addresses: ['10.3.0.1'] },
    { addresses: ['10.3.0.2'], conditions: { ready: false } },
    { addresses: ['10.3.0.3'], conditions: { ready: false, terminating: true } },
  ],
});
await cluster.service('shop', { type: 'LoadBalancer', ports: [{ port: 443 }] });
await cluster.endpoints('shop', 8443, [{ address: '10.4.0.1' }]);
const ingress = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } };
await api.admin.expect(
  'PATCH',
  '/api/v1/namespaces/default/services/shop/status',
  { status: ingress },
  MERGE_PATCH,
);
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
const backend = { service: { name: 'api', port: { number: 80 } } };
const paths = [{ path: '/', pathType: 'Prefix', backend }];
await api.admin.expect('POST', INGRESSES, {
  metadata: { name: 'site' },
  spec: {
    tls: [{ hosts: ['api.example.com'] }],
    rules: [
      { host: 'api.example.com', http: { paths } },
      { host: 'plain.example.com', http: { paths } },
    ],
  },
});
await api.admin.expect('PATCH', `${INGRESSES}/site/status`, { status: ingress }, MERGE_PATCH);

let runs = 0;

/** `name address:port` of every instance after one pass with these flags. */
async function instances(...flags: readonly string[]): Promise<readonly string[]> {
  const owner = `run-${(runs += 1)}`;
  await syncOnce(api, consul, [`--owner=${owner}`, ...flags]);
  const { Services } = (await consul.call('GET', `/v1/catalog/node-services/k8s-sync-${owner}`)) as {
    Services: { Service: string; Address: string; Port: number }[] | null;
  };
  return (Services ?? []).map(({ Service, Address, Port }) => `${Service} ${Address}:${Port}`).toSorted();
}

const PODS = ['api 10.3.0.1:8080', 'api 10.3.0.2:8080'];
const DEFAULT = [...PODS, 'shop 198.51.100.7:443', 'web 10.1.0.2:30080', 'web 192.0.2.1:30080'];

/** DEFAULT without some, and with others. */
function changed(without: readonly string[], others: readonly string[]): readonly string[] {
  return [...DEFAULT.filter((each) => !without.includes(each)), ...others].toSorted();
}

const cases: readonly (readonly [flag: string, expected: readonly string[]])[] = [
  ['--policy=sync', DEFAULT],
  ['--not-ready=omit', changed(['api 10.3.0.2:8080'], [])],
  ['--terminating=critical', changed([], ['api 10.3.0.3:8080'])],
  ['--node-port-sync-type=InternalOnly', changed(['web 192.0.2.1:30080'], ['web 10.1.0.1:30080'])],
  ['--node-port-sync-type=ExternalOnly', changed(['web 10.1.0.2:30080'], [])],
  ['--sync-lb-services-endpoints', changed(['shop 198.51.100.7:443'], ['shop 10.4.0.1:8443'])],
  ['--sync-clusterip-services=false', changed(['api 10.3.0.1:8080', 'api 10.3.0.2:8080'], [])],
  ['--default-sync=false', []],
  ['--k8s-deny-namespaces=default', []],
  ['--k8s-allow-namespaces=shop', []],
  ['--consul-service-prefix=k8s-', DEFAULT.map((each) => `k8s-${each}`)],
  ['--add-k8s-namespace-suffix', DEFAULT.map((each) => each.replace(' ', '-default '))],
  ['--multi-port=per-port', changed([], ['api-admin 10.3.0.1:8081', 'api-admin 10.3.0.2:8081'])],
  ['--enable-ingress', changed(PODS, ['api api.example.com:443', 'api plain.example.com:80'])],
  [
    '--enable-ingress --ingress-address=load-balancer',
    changed(PODS, ['api 198.51.100.7:443', 'api 198.51.100.7:80']),
  ],
  [
    '--enable-ingress --ingress-mode=add',
    changed([], ['api api.example.com:443', 'api plain.example.com:80']),
  ],
];

for (const [flag, expected] of cases) {
  test(`one pass with ${flag}`, async () => {
    assert.deepEqual(await instances(...flag.split(' ')), expected);
  });
}

test('an Ingress that changes and goes is followed', async () => {
  const flags = ['--owner=follow', '--enable-ingress'];
  await syncOnce(api, consul, flags);
  const addresses = async (): Promise<readonly string[]> => {
    const { Services } = (await consul.call('GET', '/v1/catalog/node-services/k8s-sync-follow')) as {
      Services: { Address: string }[];
    };
    return Services.map(({ Address }) => Address).filter((address) => address.endsWith('example.com'));
  };
  assert.equal((await addresses()).length, 2);
  await api.admin.expect(
    'PATCH',
    `${INGRESSES}/site`,
    { spec: { rules: [{ host: 'new.example.com', http: { paths } }] } },
    MERGE_PATCH,
  );
  await syncOnce(api, consul, flags);
  assert.deepEqual(await addresses(), ['new.example.com']);
  await api.admin.expect('DELETE', `${INGRESSES}/site`);
  await syncOnce(api, consul, flags);
  assert.deepEqual(await addresses(), []);
});
