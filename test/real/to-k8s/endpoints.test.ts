/** Services of a real Consul as Services and EndpointSlices of a real API server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JSON_PATCH, MERGE_PATCH } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { NAMESPACE, SERVICES, SLICES, startToK8sScene } from './write-namespace.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const { api, consul, register, deregister, service, slices, addresses, gone } = await startToK8sScene(scene);
await register('web', [
  { address: '10.0.0.1', zone: 'zone-a' },
  { address: '10.0.0.2' },
  { address: '10.0.0.3', status: 'critical' },
]);
const sync = await startTandemSync(scene, api, consul, [
  '--to-k8s',
  '--to-consul=false',
  `--k8s-write-namespace=${NAMESPACE}`,
  '--owner=c1',
]);

test('a service is a Service with a cluster IP, its port, and a slice of its healthy instances', async () => {
  await addresses('web', ['10.0.0.1', '10.0.0.2']);
  const { spec, metadata } = await service('web');
  assert.equal(spec.type, 'ClusterIP');
  assert.match(spec.clusterIP ?? '', /^10\.96\./);
  assert.deepEqual(
    spec.ports?.map(({ port }) => port),
    [8080],
  );
  assert.equal(metadata.labels?.['consul'], 'true');
  assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'tandem');
  assert.equal(metadata.annotations?.['tandem/owner'], 'c1');
  assert.equal(metadata.annotations?.['consul.hashicorp.com/service-sync'], 'false');
  const [slice] = await slices('web');
  assert.equal(slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'], 'tandem');
  assert.deepEqual(
    slice.ports.map(({ port }) => port),
    [8080],
  );
  assert.deepEqual(slice.endpoints, [
    { addresses: ['10.0.0.1'], conditions: { ready: true }, zone: 'zone-a' },
    { addresses: ['10.0.0.2'], conditions: { ready: true } },
  ]);
});

test('health decides at once who is in the slice', async () => {
  await register('web', [{ address: '10.0.0.3' }, { address: '10.0.0.1', status: 'critical' }]);
  await addresses('web', ['10.0.0.2', '10.0.0.3']);
});

test('a warning, of an instance or of its node, takes nothing out; critical and maintenance do', async () => {
  await register('warned', [
    { address: '10.7.0.1', status: 'warning' },
    { address: '10.7.0.2', status: 'critical' },
  ]);
  await addresses('warned', ['10.7.0.1']);
  const nodeCheck = async (id: string, status: string): Promise<void> => {
    const check = { Node: 'machine', CheckID: id, Name: id, Status: status };
    await consul.call('PUT', '/v1/catalog/register', { Node: 'machine', SkipNodeUpdate: true, Check: check });
  };
  await nodeCheck('disk', 'warning');
  await register('warned', [{ address: '10.7.0.3' }]);
  await addresses('warned', ['10.7.0.1', '10.7.0.3']);
  await nodeCheck('_node_maintenance', 'critical');
  await addresses('warned', []);
  for (const CheckID of ['_node_maintenance', 'disk'])
    await consul.call('PUT', '/v1/catalog/deregister', { Node: 'machine', CheckID });
  await addresses('warned', ['10.7.0.1', '10.7.0.3']);
});

test('250 instances are three slices of at most 100, and one that leaves changes one slice', async () => {
  const many = Array.from({ length: 250 }, (_, index) => ({
    address: `10.1.${Math.floor(index / 200)}.${(index % 200) + 1}`,
  }));
  await register('many', many);
  await addresses(
    'many',
    many.map(({ address }) => address),
  );
  const before = await slices('many');
  assert.deepEqual(
    before.map(({ endpoints }) => endpoints.length),
    [100, 100, 50],
  );
  await deregister('many', { address: '10.1.0.7' });
  await addresses(
    'many',
    many.map(({ address }) => address).filter((address) => address !== '10.1.0.7'),
  );
  const versions = new Map(before.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
  const after = await slices('many');
  const changed = after.filter(({ metadata }) => versions.get(metadata.name) !== metadata.resourceVersion);
  assert.equal(changed.length, 1);
});

test('IPv4 and IPv6 are slices of their own, and so is another port', async () => {
  await register('dual', [
    { address: '10.2.0.1' },
    { address: 'fd00:0:0::2' },
    { address: '10.2.0.3', port: 9090 },
  ]);
  await addresses('dual', ['10.2.0.1', 'fd00::2', '10.2.0.3']);
  assert.deepEqual(
    (await slices('dual')).map(({ addressType, ports }) => `${addressType} ${ports[0]?.port}`),
    ['IPv4 8080', 'IPv4 9090', 'IPv6 8080'],
  );
});

test('an instance without a port makes a headless Service; when it gets one, the Service has a cluster IP', async () => {
  await register('bare', [{ id: 'bare-1', address: '10.3.0.1', port: 0 }]);
  await addresses('bare', ['10.3.0.1']);
  assert.equal((await service('bare')).spec.clusterIP, 'None');
  await register('bare', [{ id: 'bare-1', address: '10.3.0.1', port: 80 }]);
  await eventually('a cluster IP', async () => {
    assert.match((await service('bare')).spec.clusterIP ?? '', /^10\.96\./);
  });
  await addresses('bare', ['10.3.0.1']);
});

test('host names are an ExternalName, an IP address turns it into endpoints, and back', async () => {
  await register('outside', [{ id: 'o-1', address: 'db.example.com', port: 5432 }]);
  const { spec } = await service('outside');
  assert.deepEqual([spec.type, spec.externalName], ['ExternalName', 'db.example.com']);
  await register('outside', [{ id: 'o-2', address: '10.4.0.1', port: 5432 }]);
  await addresses('outside', ['10.4.0.1']);
  await eventually('a cluster IP', async () =>
    assert.equal((await service('outside')).spec.type, 'ClusterIP'),
  );
  await register('outside', [{ id: 'o-2', address: 'db2.example.com', port: 5432 }]);
  await eventually('an ExternalName', async () => {
    const changed = await service('outside');
    assert.deepEqual(
      [changed.spec.type, changed.spec.externalName],
      ['ExternalName', 'outside.service.consul'],
    );
    assert.deepEqual(await slices('outside'), []);
  });
});

test('an address that no endpoint may have is left out, and the others are there', async () => {
  await register('mixed', [{ address: '127.0.0.1' }, { address: '10.5.0.1' }]);
  await addresses('mixed', ['10.5.0.1']);
});

test('what leads into the cluster is left out: Services, pods, the API server, and names of it', async () => {
  const node = { metadata: { name: 'n1' }, spec: { podCIDR: '10.244.7.0/24', podCIDRs: ['10.244.7.0/24'] } };
  await api.admin.expect('POST', '/api/v1/nodes', node);
  await register('inward', [
    { address: '10.96.0.1' },
    { address: '10.96.44.5' },
    { address: '10.8.0.1' },
    { address: '10.244.7.9' },
  ]);
  await addresses('inward', ['10.8.0.1']);
  await register('named', [
    { address: 'kubernetes.default.svc.cluster.local', port: 443 },
    { address: 'db.test' },
  ]);
  await eventually('the name that is left', async () => {
    assert.equal((await service('named')).spec.externalName, 'db.test');
  });
  // Another node, later: what it has is taken away.
  await register('inward', [{ address: '10.244.8.9' }]);
  await addresses('inward', ['10.8.0.1', '10.244.8.9']);
  await api.admin.expect('POST', '/api/v1/nodes', {
    metadata: { name: 'n2' },
    spec: { podCIDR: '10.244.8.0/24', podCIDRs: ['10.244.8.0/24'] },
  });
  await addresses('inward', ['10.8.0.1']);
});

test('a name that Kubernetes refuses is made legal; two that would be one are reported', async () => {
  await register('Big_Shop', [{ address: '10.6.0.1' }]);
  await addresses('big-shop', ['10.6.0.1']);
  await register('a_b', [{ address: '10.6.0.2' }]);
  await addresses('a-b', ['10.6.0.2']);
  await register('a.b', [{ address: '10.6.0.3' }]);
  const found = await eventually('the ambiguous name in /status', async () => {
    const { rows } = (await sync.controller('to-kubernetes')) ?? assert.fail();
    const each = rows.find((known) => known.source === 'a.b');
    assert.match(each?.problems[0] ?? '', /would be the Service a-b/);
    return each;
  });
  assert.equal(found?.object, undefined);
  await addresses('a-b', ['10.6.0.2']);
});

test('proxies, gateways and Consul itself do not come, nor what carries the tag or the owner of this cluster', async () => {
  await register('left-proxy', [{ address: '10.7.0.1', kind: 'connect-proxy' }]);
  await register('left-tag', [{ address: '10.7.0.2', tags: ['k8s'] }]);
  await register('left-owner', [{ address: '10.7.0.3', meta: { 'tandem-owner': 'c1' } }]);
  await register('other-owner', [{ address: '10.7.0.4', meta: { 'tandem-owner': 'c2' } }]);
  await addresses('other-owner', ['10.7.0.4']);
  for (const name of ['left-proxy', 'left-tag', 'left-owner', 'consul']) {
    const { status } = await api.admin.request('GET', `${SERVICES}/${name}`);
    assert.equal(status, 404, name);
  }
});

test("somebody else's Service of that name is not touched, gets none of our endpoints, and an Event says why", async () => {
  await api.admin.expect('POST', SERVICES, {
    metadata: { name: 'taken' },
    spec: { ports: [{ port: 1 }], selector: { app: 'theirs' } },
  });
  const { metadata: before } = await service('taken');
  await register('taken', [{ address: '10.8.0.1' }]);
  await eventually('the Event', async () => {
    const { items } = (await api.admin.expect(
      'GET',
      `/api/v1/namespaces/${NAMESPACE}/events`,
    )) as unknown as {
      items: readonly { readonly reason: string; readonly involvedObject: { readonly name: string } }[];
    };
    assert.ok(
      items.some(({ reason, involvedObject }) => reason === 'NameTaken' && involvedObject.name === 'taken'),
    );
  });
  assert.equal((await service('taken')).metadata.resourceVersion, before.resourceVersion);
  assert.deepEqual(await slices('taken'), []);
  await eventually('the conflict in /status', async () =>
    assert.deepEqual((await sync.controller('to-kubernetes'))?.conflicts, ['taken']),
  );
  await api.admin.expect('DELETE', `${SERVICES}/taken`);
  await addresses('taken', ['10.8.0.1']);
});

test('what somebody edits or deletes is put back', async () => {
  await register('drift', [{ address: '10.9.0.1' }]);
  await addresses('drift', ['10.9.0.1']);
  const [slice] = await slices('drift');
  const path = `${SLICES}/${slice?.metadata.name}`;
  await api.admin.expect(
    'PATCH',
    `${SERVICES}/drift`,
    {
      metadata: {
        labels: { consul: 'no', theirs: 'stays' },
        annotations: { 'consul.hashicorp.com/service-sync': 'true' },
      },
      spec: { selector: { app: 'x' }, ports: [{ port: 81 }] },
    },
    MERGE_PATCH,
  );
  await api.admin.expect(
    'PATCH',
    path,
    [{ op: 'replace', path: '/endpoints/0/addresses/0', value: '10.9.9.9' }],
    JSON_PATCH,
  );
  await eventually('the Service as it was', async () => {
    const { metadata, spec } = await service('drift');
    assert.deepEqual([metadata.labels?.['consul'], metadata.labels?.['theirs']], ['true', 'stays']);
    assert.equal(metadata.annotations?.['consul.hashicorp.com/service-sync'], 'false');
    assert.deepEqual([spec.selector, spec.ports?.[0]?.port], [undefined, 8080]);
  });
  await addresses('drift', ['10.9.0.1']);
  await api.admin.expect('DELETE', path);
  await addresses('drift', ['10.9.0.1']);
  await api.admin.expect('DELETE', `${SERVICES}/drift`);
  await service('drift');
});

test('a service that vanishes from Consul takes its objects along', async () => {
  await register('passing-by', [{ address: '10.10.0.1' }]);
  await addresses('passing-by', ['10.10.0.1']);
  await deregister('passing-by', { address: '10.10.0.1' });
  await gone('passing-by');
});
