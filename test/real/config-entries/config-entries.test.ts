/** Config entries from custom resources, between a real API server and a real Consul. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAnswerProxy, writesOf } from '../harness/answer-proxy.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { startScene } from '../harness/scene.ts';
import { entryScene } from './entry-scene.ts';
import { startEntrySync } from './entry-sync.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const at = entryScene(api, consul);

const proxy = await startAnswerProxy(scene, consul.url);
const sync = await startEntrySync(scene, api, proxy);

test('waits for its CRDs and says so, and begins when they come', async () => {
  const before = await sync.controller('config-entries');
  assert.ok(before?.missing.includes('servicedefaults.consul.hashicorp.com'), JSON.stringify(before));
  await at.installCrds();
  await eventually('a CRD without an object is there', async () => {
    const after = await sync.controller('config-entries');
    assert.deepEqual(after?.missing, []);
  });
  await at.apply('ServiceDefaults', 'default/web', { protocol: 'http' });
  const entry = await at.has('ServiceDefaults', 'web', { Protocol: 'http' });
  const { 'tandem-object-created': created = '', ...meta } = entry.Meta ?? {};
  assert.match(created, /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/);
  assert.deepEqual(meta, {
    'consul.hashicorp.com/source-datacenter': 'dc1',
    'external-source': 'kubernetes',
    'tandem-object': 'default/web',
    'tandem-owner': 'one',
  });
  await at.stands('ServiceDefaults', 'default/web', 'Synced');
});

test('an object is created, changed and removed', async () => {
  await at.apply('ServiceIntentions', 'default/to-web', {
    destination: { name: 'web' },
    sources: [{ name: 'shop', action: 'allow' }],
  });
  await at.stands('ServiceIntentions', 'default/to-web', 'Synced');
  await at.apply('ServiceIntentions', 'default/to-web', {
    destination: { name: 'web' },
    sources: [{ name: 'shop', action: 'deny' }],
  });
  await at.has('ServiceIntentions', 'web', {});
  await at.remove('ServiceIntentions', 'default/to-web');
  await at.hasNot('ServiceIntentions', 'web');
});

test('an entry that somebody edits or deletes in Consul is put back', async () => {
  await at.put({ Kind: 'service-defaults', Name: 'web', Protocol: 'tcp' });
  await at.has('ServiceDefaults', 'web', { Protocol: 'http' });
  await consul.call('DELETE', '/v1/config/service-defaults/web');
  await at.has('ServiceDefaults', 'web', { Protocol: 'http' });
  assert.match(
    await sync.metrics(),
    /^tandem_config_entry_drift_repaired_total\{kind="service-defaults"\} [12]$/m,
  );
});

test('while the sync is down: an edit of an entry is undone, and one that somebody made anew is theirs', async () => {
  await at.apply('ServiceDefaults', 'default/edited', { protocol: 'http' });
  await at.apply('ServiceDefaults', 'default/reset', { protocol: 'http' });
  await at.stands('ServiceDefaults', 'default/edited', 'Synced');
  await at.stands('ServiceDefaults', 'default/reset', 'Synced');
  await sync.whileDown(async () => {
    await at.put({ Kind: 'service-defaults', Name: 'edited', Protocol: 'tcp' });
    // As in a Consul that was reset and filled by hand.
    await consul.call('DELETE', '/v1/config/service-defaults/reset');
    await at.put({ Kind: 'service-defaults', Name: 'reset', Protocol: 'tcp' });
  });
  await at.has('ServiceDefaults', 'edited', { Protocol: 'http' });
  const { message } = await at.stands('ServiceDefaults', 'default/reset', 'ExternallyManagedConfigError');
  assert.match(message, /tandem\/overwrite/);
  assert.equal((await at.entry('ServiceDefaults', 'reset'))?.['Protocol'], 'tcp');
});

test('what Consul refuses for want of another entry goes through when that comes', async () => {
  await at.apply('ServiceRouter', 'default/tcp', { routes: [{ match: { http: { pathPrefix: '/' } } }] });
  const { message } = await at.stands('ServiceRouter', 'default/tcp', 'ConsulAgentError');
  assert.match(message, /protocol "tcp"/);
  assert.doesNotMatch(message, /rpc error|status 500/);
  await at.apply('ServiceDefaults', 'default/tcp', { protocol: 'http' });
  await at.stands('ServiceRouter', 'default/tcp', 'Synced');
  await at.remove('ServiceDefaults', 'default/tcp');
  await at.remove('ServiceRouter', 'default/tcp');
  await at.hasNot('ServiceRouter', 'tcp');
  await at.hasNot('ServiceDefaults', 'tcp');
});

test('what is wrong is said at once, all of it, and not sent', async () => {
  await at.apply('ServiceIntentions', 'default/broken', {
    destination: { name: 'x' },
    sources: [{ name: 'a', action: 'alow' }, { action: 'deny' }],
  });
  const { message } = await at.stands('ServiceIntentions', 'default/broken', 'InvalidSpec');
  assert.match(message, /sources\[0\].*sources\[1\]/);
  assert.equal(await at.entry('ServiceIntentions', 'x'), undefined);
});

test('entries of others are left alone, and taken over by annotation', async () => {
  await at.put({ Kind: 'service-defaults', Name: 'theirs', Protocol: 'grpc' });
  await at.apply('ServiceDefaults', 'default/theirs', { protocol: 'http' });
  const { message } = await at.stands('ServiceDefaults', 'default/theirs', 'ExternallyManagedConfigError');
  assert.match(message, /Protocol is "grpc" in Consul, "http" here/);
  await at.apply('ServiceDefaults', 'default/theirs', { protocol: 'grpc' });
  await at.stands('ServiceDefaults', 'default/theirs', 'ManagedElsewhere');
  const annotations = { 'consul.hashicorp.com/migrate-entry': 'true' };
  await at.apply('ServiceDefaults', 'default/theirs', { protocol: 'grpc' }, { annotations });
  await at.stands('ServiceDefaults', 'default/theirs', 'Synced');
  assert.equal((await at.entry('ServiceDefaults', 'theirs'))?.Meta?.['tandem-owner'], 'one');
});

test('of two objects the older has the entry; when it goes, the other takes its place', async () => {
  await api.createNamespace('second');
  const spec = { destination: { name: 'twice' }, sources: [{ name: 'a', action: 'allow' }] };
  await at.apply('ServiceIntentions', 'default/first', spec);
  await at.stands('ServiceIntentions', 'default/first', 'Synced');
  await at.apply('ServiceIntentions', 'second/other', spec);
  await at.stands('ServiceIntentions', 'second/other', 'NameTaken');
  await at.remove('ServiceIntentions', 'default/first');
  await at.stands('ServiceIntentions', 'second/other', 'Synced');
  assert.equal((await at.entry('ServiceIntentions', 'twice'))?.Meta?.['tandem-object'], 'second/other');
});

test('another destination: the new entry comes, and the old one goes', async () => {
  const sources = [{ name: 'a', action: 'allow' }];
  await at.apply('ServiceIntentions', 'second/other', { destination: { name: 'moved' }, sources });
  await at.has('ServiceIntentions', 'moved', {});
  await at.hasNot('ServiceIntentions', 'twice');
});

test('a restart writes nothing, neither to Consul nor to a status', async () => {
  const versions = async (): Promise<unknown> =>
    (
      await Promise.all(
        ['servicedefaults', 'serviceintentions'].map((plural) =>
          api.admin.expect('GET', `/apis/consul.hashicorp.com/v1alpha1/${plural}`),
        ),
      )
    ).map(({ items }) =>
      (items as { metadata: { resourceVersion: string } }[]).map(({ metadata }) => metadata.resourceVersion),
    );
  // Its status is written after the entries, of which the test before has seen the last.
  await eventually('the object says what became of its last change', async () => {
    const { metadata, status } = await api.admin.expect(
      'GET',
      at.pathOf('ServiceIntentions', 'second/other'),
    );
    const { generation } = metadata as { readonly generation?: number };
    const { observedGeneration } = status as { readonly observedGeneration?: number };
    assert.equal(observedGeneration, generation);
  });
  const before = await versions();
  await sync.whileDown(async () => proxy.forget());
  await eventually('it compared both sides', async () => {
    assert.ok((await sync.controller('config-entries'))?.lastSuccess !== undefined);
  });
  assert.deepEqual(writesOf(proxy.requests()), []);
  assert.deepEqual(await versions(), before);
});

test('what is deleted while the sync is down goes at its next start', async () => {
  await sync.whileDown(() => at.remove('ServiceDefaults', 'default/theirs'));
  await at.hasNot('ServiceDefaults', 'theirs');
});

test('a CRD that is deleted takes its objects, and no entry; installed anew, it takes none either', async () => {
  await at.stands('ServiceIntentions', 'second/other', 'Synced');
  proxy.forget();
  await api.admin.expect('DELETE', at.crdPath('ServiceIntentions'));
  await eventually('the entry is named as one without an object', async () => {
    const status = await sync.controller('config-entries');
    assert.match(status?.kept.join() ?? '', /service-intentions moved/);
  });
  await eventually('the CRD is gone', async () => {
    assert.equal((await api.admin.request('GET', at.crdPath('ServiceIntentions'))).status, 404);
  });
  const { serviceIntentions: kind } = at;
  // A process that has seen nothing of it: what it knows is in Consul and the CRD.
  await sync.whileDown(() => at.installCrds([kind]));
  await eventually('it is still named, and how to release it', async () => {
    const status = await sync.controller('config-entries');
    assert.match(
      status?.kept.join() ?? '',
      /service-intentions moved: .*earlier CRD; apply the object again/,
    );
  });
  assert.match(await sync.metrics(), /^tandem_config_entries_kept\{kind="service-intentions"\} 1$/m);
  await at.apply('ServiceIntentions', 'default/later', {
    destination: { name: 'later' },
    sources: [{ name: 'a', action: 'allow' }],
  });
  await at.stands('ServiceIntentions', 'default/later', 'Synced');
  assert.ok((await at.entry('ServiceIntentions', 'moved')) !== undefined);
  assert.deepEqual(
    writesOf(proxy.requests()).filter(({ method }) => method === 'DELETE'),
    [],
  );
  // With its object it is as any other again.
  await at.apply('ServiceIntentions', 'second/other', {
    destination: { name: 'moved' },
    sources: [{ name: 'a', action: 'allow' }],
  });
  await at.stands('ServiceIntentions', 'second/other', 'Synced');
  await at.remove('ServiceIntentions', 'second/other');
  await at.hasNot('ServiceIntentions', 'moved');
});
