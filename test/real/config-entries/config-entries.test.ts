/** Config entries from custom resources, between a real API server and a real Consul. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { startScene } from '../harness/scene.ts';
import { startTandemSync } from '../harness/tandem-sync.ts';
import { entryScene } from './entry-scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver', 'consul']);
const [api, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);
const at = entryScene(api, consul);

const FLAGS = ['--owner=one', '--to-consul=false', '--config-entries'];
const sync = await startTandemSync(scene, api, consul, FLAGS);

test('waits for its CRDs and says so, and begins when they come', async () => {
  const before = await sync.controller('config-entries');
  assert.ok(before?.missing.includes('servicedefaults.consul.hashicorp.com'), JSON.stringify(before));
  await at.installCrds();
  await at.apply('ServiceDefaults', 'default/web', { protocol: 'http' });
  const entry = await at.has('ServiceDefaults', 'web', { Protocol: 'http' });
  assert.deepEqual(entry.Meta, {
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
