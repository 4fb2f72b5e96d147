/**
 * Random entries of every kind, written to a real Consul and read back: what the validator lets through, Consul takes and
 * gives back without a difference; what Consul refuses by itself, the validator refuses. TANDEM_RANDOM_ENTRIES says how
 * many of each kind, TANDEM_RANDOM_SEED repeats a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENTRY_KINDS } from '../../../src/catalog/config-entries/entry-kinds.ts';
import type { EntryField, EntryKind, FieldTable } from '../../../src/catalog/config-entries/entry-table.ts';
import { entryDifferences } from '../../../src/catalog/config-entries/entry-differences.ts';
import { entryName, toConsulEntry } from '../../../src/catalog/config-entries/to-consul-entry.ts';
import type { JsonObject } from '../../../src/support/json.ts';
import { anySpec, objectOf, seriousProblems, validSpec } from '../../property/arbitrary-entry.ts';
import { startConsul } from '../harness/consul.ts';
import { startScene } from '../harness/scene.ts';

const runs = Number(process.env['TANDEM_RANDOM_ENTRIES'] ?? 50);
const seed = Number(process.env['TANDEM_RANDOM_SEED'] ?? Date.now() % 1_000_000_000);

const scene = await startScene(['consul']);
const consul = await startConsul(scene);

type Answer = { readonly status: number; readonly text: string };

async function put(entry: JsonObject): Promise<Answer> {
  const response = await fetch(`${consul.url}/v1/config`, { method: 'PUT', body: JSON.stringify(entry) });
  return { status: response.status, text: await response.text() };
}

async function read(kind: EntryKind, name: string): Promise<JsonObject> {
  const path = `/v1/config/${kind.entryKind}/${encodeURIComponent(name)}`;
  return (await consul.call('GET', path)) as JsonObject;
}

async function expectPut(entry: JsonObject): Promise<void> {
  const answer = await put(entry);
  assert.equal(answer.status, 200, `${JSON.stringify(entry)}: ${answer.text}`);
}

/** What random entries refer to. */
async function prepare(): Promise<void> {
  await expectPut({ Kind: 'mesh', AllowEnablingPermissiveMutualTLS: true });
  await expectPut({ Kind: 'proxy-defaults', Name: 'global', Config: { protocol: 'http' } });
  await expectPut({ Kind: 'service-defaults', Name: 'plain', Protocol: 'tcp' });
  for (const Name of ['web', 'api'])
    await expectPut({ Kind: 'service-resolver', Name, Subsets: { v1: {}, v2: {} } });
  await expectPut({ Kind: 'jwt-provider', Name: 'staff', JSONWebKeySet: { Local: { JWKS: 'e30=' } } });
}

/** Refusals that have to do with other entries (agent/consul/state/config_entry.go, discoverychain). */
const OF_THE_GRAPH =
  /^(?:discovery chain|service ".*" has protocol|peer exported service ".*" contains cross-(?:datacenter|peer)|.*does not permit advanced routing|.*does not have a subset named)/;

const kinds = ENTRY_KINDS.filter(({ enterprise }) => enterprise !== true);
/** What was sent and what came back, for the rules of comparison. */
const pairs: { readonly kind: EntryKind; readonly sent: JsonObject; readonly came: JsonObject }[] = [];

await prepare();

for (const kind of kinds)
  test(`${kind.kind}: what the validator lets through comes back the same (seed ${seed})`, async (t) => {
    t.after(prepare);
    let refusedByGraph = 0;
    const objects = fc.sample(validSpec(kind), { numRuns: runs, seed });
    for (const [index, made] of objects.entries()) {
      const object =
        kind.naming.from === 'object' && kind.naming.only === undefined
          ? { ...made, name: `${kind.plural}-${index}` }
          : made;
      if (seriousProblems(kind, object).length > 0) continue;
      const sent = toConsulEntry(kind, object);
      const answer = await put(sent);
      if (answer.status !== 200) {
        assert.match(answer.text, OF_THE_GRAPH, `Consul refuses ${JSON.stringify(object.spec)}`);
        refusedByGraph += 1;
        continue;
      }
      const came = await read(kind, entryName(kind, object));
      assert.deepEqual(entryDifferences(kind, sent, came), [], JSON.stringify({ sent, came }));
      pairs.push({ kind, sent, came });
    }
    t.diagnostic(`${objects.length} objects, ${refusedByGraph} refused because of other entries`);
    assert.ok(
      refusedByGraph < objects.length / 2,
      `${refusedByGraph} of ${objects.length} never came to Consul's store`,
    );
  });

for (const kind of kinds)
  test(`${kind.kind}: what Consul refuses by itself the validator refuses (seed ${seed})`, async (t) => {
    t.after(prepare);
    const objects = fc.sample(anySpec(kind), { numRuns: runs, seed });
    for (const [index, made] of objects.entries()) {
      const object =
        kind.naming.from === 'object' && kind.naming.only === undefined
          ? { ...made, name: `any-${kind.plural}-${index}` }
          : made;
      const problems = seriousProblems(kind, object);
      const isRefused = problems.some(({ level }) => level === 'refused');
      if (isRefused) continue;
      const answer = await put(toConsulEntry(kind, object));
      if (answer.status === 200) continue;
      assert.match(answer.text, OF_THE_GRAPH, `${JSON.stringify(object.spec)}: ${JSON.stringify(problems)}`);
    }
  });

/** One for each rule of comparison, so that none depends on chance. */
const specimens: readonly (readonly [kind: string, spec: object])[] = [
  ['ServiceDefaults', { protocol: 'HTTP', meshGateway: {} }],
  ['IngressGateway', { listeners: [{ port: 4321, services: [{ name: 'plain' }] }] }],
  ['JWTProvider', { jsonWebKeySet: { local: { jwks: 'e30=' } } }],
  [
    'JWTProvider',
    {
      jsonWebKeySet: {
        remote: {
          uri: 'https://login.example.com/keys',
          jwksCluster: { tlsCertificates: { trustedCA: { inlineBytes: 'cGVt' } } },
        },
      },
    },
  ],
  ['ServiceSplitter', { splits: [{ weight: 66.666 }, { weight: 33.334, service: 'web' }] }],
  ['ServiceResolver', { connectTimeout: '2m' }],
  [
    'ServiceIntentions',
    {
      destination: { name: 'specimen' },
      sources: [
        { name: '*', action: 'deny' },
        { name: 'web', action: 'allow' },
      ],
    },
  ],
  ['ProxyDefaults', { config: { protocol: 'http', a: ['x'] } }],
];

test('one entry for each rule comes back the same', async (t) => {
  t.after(prepare);
  for (const [index, [name, spec]] of specimens.entries()) {
    const kind = kinds.find((each) => each.kind === name);
    assert.ok(kind !== undefined);
    const object = objectOf(kind, spec, name === 'ProxyDefaults' ? 'global' : `specimen-${index}`);
    const sent = toConsulEntry(kind, object);
    await expectPut(sent);
    const came = await read(kind, entryName(kind, object));
    assert.deepEqual(entryDifferences(kind, sent, came), []);
    pairs.push({ kind, sent, came });
  }
});

function changed(fields: FieldTable, change: (field: EntryField) => EntryField): FieldTable {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, changedField(field, change)]),
  );
}

function changedField(field: EntryField, change: (field: EntryField) => EntryField): EntryField {
  const made = change(field);
  if (made.type === 'object') return { ...made, fields: changed(made.fields, change) };
  if (made.type === 'list') return { ...made, of: changedField(made.of, change) };
  if (made.type === 'keyed') return { ...made, of: { ...made.of, fields: changed(made.of.fields, change) } };
  return made;
}

/** Without the rule, entries that mean the same would differ. */
const rules: readonly (readonly [string, (field: EntryField) => EntryField])[] = [
  ['the case of a text', (field) => (field.type === 'string' ? { type: 'string', doc: '' } : field)],
  [
    'an absent protocol is tcp',
    (field) =>
      field.type === 'string' && field.absentMeans !== undefined ? { ...field, absentMeans: '' } : field,
  ],
  [
    'an absent skew is 30',
    (field) =>
      field.type === 'integer' && field.absentMeans !== undefined ? { type: 'integer', doc: '' } : field,
  ],
  ['two places of a weight', (field) => (field.type === 'number' ? { type: 'number', doc: '' } : field)],
  ['forms of a duration', (field) => (field.type === 'duration' ? { type: 'string', doc: '' } : field)],
  ['bytes come as base64', (field) => (field.type === 'bytes' ? { type: 'string', doc: '' } : field)],
  ['sources are a set', (field) => (field.type === 'list' ? { type: 'list', doc: '', of: field.of } : field)],
  ['a list of one in an opaque map', (field) => (field.type === 'opaque' ? { type: 'map', doc: '' } : field)],
  [
    'an empty value object',
    (field) => (field.type === 'object' ? { ...field, isValue: undefined as unknown as true } : field),
  ],
];

for (const [rule, change] of rules)
  test(`the rule is needed: ${rule}`, () => {
    const different = pairs.filter(({ kind, sent, came }) => {
      const without = { ...kind, fields: changed(kind.fields, change) };
      return entryDifferences(without, sent, came).length > 0;
    });
    assert.ok(different.length > 0, `none of ${pairs.length} entries differs without it`);
  });
