/** Every type of Service, from a real API server into a real Consul, its DNS included. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { partPath } from '../parts.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { clusterObjects } from '../harness/cluster-objects.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul', 'dig']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const cluster = clusterObjects(api);
for (const index of [1, 2, 3, 4]) {
  await cluster.node(`node-${index}`, {
    InternalIP: `10.1.0.${index}`,
    ...(index === 1 ? {} : { ExternalIP: `192.0.2.${index}` }),
  });
}
const sync = await startTandemSync(scene, api, consul);

type Entry = {
  readonly Service: {
    readonly Address: string;
    readonly Port: number;
    readonly Tags: readonly string[];
    readonly Meta: Readonly<Record<string, string>>;
    readonly Weights: { readonly Passing: number };
  };
  readonly Checks: readonly { readonly Status: string; readonly CheckID: string }[];
};

/** What Consul has of a service, as soon as it has so many instances. */
async function inConsul(name: string, count: number): Promise<readonly Entry[]> {
  return eventually(`${count} instances of ${name}`, async () => {
    const found = (await consul.call('GET', `/v1/health/service/${name}`)) as readonly Entry[];
    assert.equal(found.length, count, JSON.stringify(places(found)));
    return found;
  });
}

function places(entries: readonly Entry[]): readonly string[] {
  return entries
    .map(({ Service, Checks }) => {
      const check = Checks.find(({ CheckID }) => CheckID.endsWith('-readiness'));
      return `${Service.Address}:${Service.Port} ${check?.Status ?? 'no check'}`;
    })
    .toSorted();
}

test('NodePort: each node that runs an endpoint, by its external address else the internal, and the nodePort', async () => {
  await cluster.service('web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
  await cluster.endpoints('web', 8080, [
    { address: '10.2.0.1', node: 'node-1' },
    { address: '10.2.0.2', node: 'node-2' },
    { address: '10.2.0.3', node: 'node-2', ready: false },
    { address: '10.2.0.4', node: 'node-3', ready: false },
  ]);
  assert.deepEqual(places(await inConsul('web', 3)), [
    '10.1.0.1:30080 passing',
    '192.0.2.2:30080 passing',
    '192.0.2.3:30080 critical',
  ]);
});

test('NodePort: a node that changes its address is followed', async () => {
  const addresses = [{ type: 'ExternalIP', address: '192.0.2.33' }];
  await api.admin.expect('PATCH', '/api/v1/nodes/node-3/status', { status: { addresses } }, MERGE_PATCH);
  await eventually('the new address of the node', async () => {
    assert.deepEqual(places(await inConsul('web', 3)), [
      '10.1.0.1:30080 passing',
      '192.0.2.2:30080 passing',
      '192.0.2.33:30080 critical',
    ]);
  });
});

test('LoadBalancer: each ingress address, ip else hostname, and the port of the Service', async () => {
  await cluster.service('shop', { type: 'LoadBalancer', ports: [{ port: 443 }] });
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }, { hostname: 'lb.example.com' }] } };
  await api.admin.expect('PATCH', '/api/v1/namespaces/default/services/shop/status', { status }, MERGE_PATCH);
  assert.deepEqual(places(await inConsul('shop', 2)), [
    '198.51.100.7:443 no check',
    'lb.example.com:443 no check',
  ]);
});

test('ClusterIP and headless: each endpoint, its own port, its readiness; terminating ones leave', async () => {
  await cluster.service('api', { ports: [{ port: 80 }] });
  await cluster.service('peers', { clusterIP: 'None', ports: [{ port: 80 }] });
  for (const name of ['api', 'peers']) {
    await cluster.endpoints(name, 9090, [
      { address: '10.3.0.1' },
      { address: '10.3.0.2', ready: false },
      { address: '10.3.0.3', terminating: true },
    ]);
    assert.deepEqual(places(await inConsul(name, 2)), ['10.3.0.1:9090 passing', '10.3.0.2:9090 critical']);
  }
});

test('all slices of a Service count together, both families; losing one removes its own endpoints only', async () => {
  await cluster.service('dual', { ports: [{ port: 80 }] });
  await cluster.endpoints('dual', 8080, [{ address: '10.4.0.1' }]);
  await cluster.endpoints('dual', 8080, [{ address: 'fd00::4' }, { address: 'fd00::5' }], 'dual-6');
  await inConsul('dual', 3);
  await api.admin.expect('DELETE', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/dual-6');
  assert.deepEqual(places(await inConsul('dual', 1)), ['10.4.0.1:8080 passing']);
});

test('externalIPs beat every type', async () => {
  await cluster.service('edge', {
    type: 'NodePort',
    externalIPs: ['203.0.113.1', '203.0.113.2'],
    // Of the range that is not given out by chance (kube-apiserver, ServiceNodePortStaticSubrange).
    ports: [{ port: 8443, nodePort: 30_043 }],
  });
  await cluster.endpoints('edge', 8080, [{ address: '10.5.0.1', node: 'node-1' }]);
  assert.deepEqual(places(await inConsul('edge', 2)), [
    '203.0.113.1:8443 no check',
    '203.0.113.2:8443 no check',
  ]);
});

test('ExternalName: one instance, its host name', async () => {
  await cluster.service('legacy', {
    type: 'ExternalName',
    externalName: 'legacy.example.com',
    ports: [{ port: 5432 }],
  });
  assert.deepEqual(places(await inConsul('legacy', 1)), ['legacy.example.com:5432 no check']);
});

test('annotations: name, port, tags, meta, weight; all of it seen by who asks Consul', async () => {
  await cluster.service(
    'named',
    {
      ports: [
        { name: 'http', port: 80 },
        { name: 'admin', port: 81 },
      ],
    },
    {
      'service-name': 'other-name',
      'service-port': 'admin',
      'service-tags': 'a,b',
      'service-meta-team': 'x',
      'service-weight': '7',
    },
  );
  const slice = {
    metadata: { name: 'named-1', labels: { 'kubernetes.io/service-name': 'named' } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080 },
      { name: 'admin', port: 8081 },
    ],
    endpoints: [{ addresses: ['10.6.0.1'] }],
  };
  await api.admin.expect('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice);
  const [entry] = await inConsul('other-name', 1);
  assert.ok(entry !== undefined);
  const { Service } = entry;
  assert.deepEqual([Service.Port, Service.Tags, Service.Weights.Passing], [8081, ['k8s', 'a', 'b'], 7]);
  const { owner } = (await sync.status()).process;
  assert.deepEqual(
    [
      'external-source',
      'external-k8s-ns',
      'team',
      'port-http',
      'port-admin',
      'tandem-owner',
      'tandem-source',
    ].map((key) => Service.Meta[key]),
    ['kubernetes', 'default', 'x', '8080', '8081', owner, 'Service/default/named'],
  );
});

test('a Service that opts out or goes leaves Consul, and one of a denied namespace never comes', async () => {
  await cluster.service('brief', { ports: [{ port: 80 }] });
  await cluster.endpoints('brief', 80, [{ address: '10.7.0.1' }]);
  await inConsul('brief', 1);
  const annotations = { 'consul.hashicorp.com/service-sync': 'false' };
  await api.admin.expect(
    'PATCH',
    '/api/v1/namespaces/default/services/brief',
    { metadata: { annotations } },
    MERGE_PATCH,
  );
  assert.equal((await inConsul('brief', 0)).length, 0);
  await cluster.service('gone', { ports: [{ port: 80 }] });
  await cluster.endpoints('gone', 80, [{ address: '10.7.0.2' }]);
  await inConsul('gone', 1);
  await cluster.remove('gone');
  assert.equal((await inConsul('gone', 0)).length, 0);
  const { rows } = (await sync.controller('to-consul')) ?? assert.fail();
  assert.equal(rows.find(({ source }) => source === 'Service/default/brief')?.reason, 'opted-out');
  assert.equal(rows.find(({ source }) => source === 'Service/default/kubernetes')?.synced, false);
});

test('what cannot be used is an Event on the Service and a line of /status', async () => {
  await cluster.service(
    'odd',
    { ports: [{ port: 80 }] },
    { 'service-port': 'nope', 'service-weight': 'heavy' },
  );
  await eventually('the Events', async () => {
    // The API server writes some too, when it repairs the address of a new Service.
    const events = '/api/v1/namespaces/default/events?fieldSelector=source%3Dtandem';
    const { items } = (await api.admin.expect('GET', events)) as unknown as {
      items: { involvedObject: { name: string }; reason: string; type: string }[];
    };
    const ofOdd = items.filter(({ involvedObject }) => involvedObject.name === 'odd');
    assert.deepEqual(ofOdd.map(({ type, reason }) => `${type} ${reason}`).toSorted(), [
      'Warning InvalidWeight',
      'Warning PortNotFound',
    ]);
  });
  await eventually('the problems in /status and the metrics', async () => {
    const { rows } = (await sync.controller('to-consul')) ?? assert.fail();
    assert.equal(rows.find(({ source }) => source === 'Service/default/odd')?.problems.length, 2);
    assert.match(await sync.metrics(), /tandem_sync_problems\{reason="port-not-found"\} 1/);
  });
});

test('Consul answers for them in DNS, A and SRV', async () => {
  const dig = async (...question: readonly string[]): Promise<readonly string[]> => {
    const args = ['@127.0.0.1', '-p', String(consul.ports.dns), '+short', ...question];
    const { stdout } = await promisify(execFile)(partPath('dig'), args);
    return stdout.trim().split('\n').toSorted();
  };
  assert.deepEqual(await dig('web.service.consul', 'A'), ['10.1.0.1', '192.0.2.2']);
  const srv = await dig('api.service.consul', 'SRV');
  assert.match(srv[0] ?? '', / 9090 /);
  assert.deepEqual(await dig('a.other-name.service.consul', 'A'), ['10.6.0.1']);
});
