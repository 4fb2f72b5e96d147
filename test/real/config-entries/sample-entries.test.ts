/** The worked examples on a real API server, strictly, and in a real Consul: what it has then is a golden file. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalEntry } from '../../../src/catalog/config-entries/canonical-entry.ts';
import { crdOf } from '../../../src/catalog/config-entries/crd-schema.ts';
import { entryDifferences } from '../../../src/catalog/config-entries/entry-differences.ts';
import { ENTRY_GROUP, ENTRY_KINDS, ENTRY_VERSION } from '../../../src/catalog/config-entries/entry-kinds.ts';
import { readEntryObject } from '../../../src/catalog/config-entries/entry-object.ts';
import { entryName, toConsulEntry } from '../../../src/catalog/config-entries/to-consul-entry.ts';
import type { JsonObject } from '../../../src/support/json.ts';
import { filters } from '../../unit/catalog/config-entries/filters.ts';
import { samples } from '../../unit/catalog/config-entries/samples.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startConsul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { startScene } from '../harness/scene.ts';

const GOLDEN = join(import.meta.dirname, 'golden');
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const RESOURCES = `/apis/${ENTRY_GROUP}/${ENTRY_VERSION}/namespaces/default`;

const scene = await startScene(['kube-apiserver', 'etcd', 'consul']);
const [server, consul] = await Promise.all([startApiServer(scene), startConsul(scene)]);

const condition = (crd: unknown, type: string): JsonObject | undefined =>
  ((crd as { status?: { conditions?: JsonObject[] } }).status?.conditions ?? []).find(
    (each) => each['type'] === type,
  );

test('the API server takes every CRD, and its schema is structural', async () => {
  for (const kind of ENTRY_KINDS)
    await server.admin.expect('POST', `${CRDS}?fieldValidation=Strict`, crdOf(kind));
  await eventually('every CRD is established', async () => {
    for (const { plural } of ENTRY_KINDS) {
      const crd = await server.admin.expect('GET', `${CRDS}/${plural}.${ENTRY_GROUP}`);
      assert.equal(condition(crd, 'Established')?.['status'], 'True', plural);
      assert.notEqual(condition(crd, 'NonStructuralSchema')?.['status'], 'True', plural);
    }
  });
});

// In the order in which they are written: later ones refer to earlier ones.
for (const { kind, manifest } of samples)
  test(`${kind.kind}: a strict API server loses nothing of the example, and Consul has all of it`, async () => {
    const path = `${RESOURCES}/${kind.plural}`;
    const stored = await server.admin.expect('POST', `${path}?fieldValidation=Strict`, manifest);
    assert.deepEqual(stored['spec'], manifest['spec']);
    const object = readEntryObject(stored);
    assert.ok(object !== undefined);
    assert.ok(object.uid !== '' && object.generation === 1 && object.creationTimestamp !== '');

    if (kind.enterprise === true) return;
    const sent = toConsulEntry(kind, object);
    assert.equal(await consul.call('PUT', '/v1/config', sent), true);
    const name = entryName(kind, object);
    const came = (await consul.call('GET', `/v1/config/${kind.entryKind}/${name}`)) as JsonObject;
    assert.deepEqual(entryDifferences(kind, sent, came), []);
    isGolden(kind.entryKind, { Kind: came['Kind'], ...canonicalEntry(kind, came, 'read') });
  });

test('Consul reads the filters that are read here, and no others', async () => {
  for (const [Filter, isRead] of filters) {
    const entry = { Kind: 'service-resolver', Name: 'filtered', Subsets: { v1: { Filter } } };
    const response = await fetch(`${consul.url}/v1/config`, { method: 'PUT', body: JSON.stringify(entry) });
    assert.equal(response.ok, isRead, `${Filter}: ${await response.text()}`);
  }
});

test('a status is kept as a subresource, with the generation that it is about', async () => {
  const path = `${RESOURCES}/servicedefaults/dashboard/status`;
  const status = {
    observedGeneration: 1,
    lastSyncedTime: '2026-01-02T03:04:05Z',
    conditions: [
      {
        type: 'Synced',
        status: 'True',
        reason: 'Synced',
        message: '',
        observedGeneration: 1,
        lastTransitionTime: '2026-01-02T03:04:05Z',
      },
    ],
  };
  const patched = await server.admin.expect(
    'PATCH',
    `${path}?fieldValidation=Strict`,
    { status },
    MERGE_PATCH,
  );
  assert.deepEqual(patched['status'], status);
});

function isGolden(name: string, entry: JsonObject): void {
  const file = join(GOLDEN, `${name}.json`);
  const text = `${JSON.stringify(entry, null, 2)}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(GOLDEN, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(existsSync(file) ? readFileSync(file, 'utf8') : '', text);
}
