import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryDifferences } from '../../../../src/catalog/config-entries/entry-differences.ts';
import { toConsulEntry } from '../../../../src/catalog/config-entries/to-consul-entry.ts';
import { kindOf, objectOf } from './entry-of.ts';

test('what Consul makes of an entry is no difference', () => {
  const object = objectOf('ServiceIntentions', {
    destination: { name: 'web', namespace: '' },
    sources: [
      { name: '*', action: 'deny' },
      { name: 'api', permissions: [{ action: 'allow', http: { methods: ['get'], pathPrefix: '/' } }] },
    ],
  });
  const kind = kindOf('ServiceIntentions');
  const desired = toConsulEntry(kind, object);
  assert.deepEqual(desired, {
    Kind: 'service-intentions',
    Name: 'web',
    Sources: [
      { Name: '*', Action: 'deny' },
      { Name: 'api', Permissions: [{ Action: 'allow', HTTP: { Methods: ['get'], PathPrefix: '/' } }] },
    ],
  });
  const observed = {
    Kind: 'service-intentions',
    Name: 'web',
    Sources: [
      {
        Name: 'api',
        Permissions: [{ Action: 'allow', HTTP: { PathPrefix: '/', Methods: ['GET'] }, JWT: null }],
        Precedence: 9,
        Type: 'consul',
      },
      { Name: '*', Action: 'deny', Precedence: 8, Type: 'consul' },
    ],
    Meta: { a: 'b' },
    Hash: 18_000_000_000_000_000_000,
    CreateIndex: 12,
    ModifyIndex: 13,
  };
  assert.deepEqual(entryDifferences(kind, desired, observed), []);
  const changed = { ...observed, Sources: [{ Name: '*', Action: 'allow' }, observed.Sources[0]] };
  assert.deepEqual(entryDifferences(kind, desired, changed), [
    { path: 'Sources["*"].Action', desired: 'deny', observed: 'allow', isShown: true },
  ]);
});

test('a pointer to nothing is a difference, an empty value is none', () => {
  const kind = kindOf('ServiceDefaults');
  const differences = (spec: object, observed: object): readonly unknown[] =>
    entryDifferences(kind, toConsulEntry(kind, objectOf('ServiceDefaults', spec)), {
      Kind: 'service-defaults',
      Name: 'web',
      ...observed,
    }).map(({ path }) => path);
  assert.deepEqual(differences({ meshGateway: {}, protocol: '' }, { MeshGateway: { Mode: '' } }), []);
  assert.deepEqual(differences({ upstreamConfig: { defaults: {} } }, { UpstreamConfig: {} }), [
    'UpstreamConfig.Defaults',
  ]);
  assert.deepEqual(differences({ protocol: 'HTTP' }, { Protocol: 'http', Surprise: 1 }), ['Surprise']);
});

// Left: what was sent to Consul 1.20.6, right: what it answered.
const forms: readonly (readonly [unknown, unknown])[] = [
  [['a'], 'a'],
  [[['a']], ['a']],
  [[[]], []],
  [[{ x: [true] }], { x: true }],
  [{ b: ['a'] }, { b: ['a'] }],
  [null, null],
  [{}, {}],
  [[], []],
];

for (const [sent, came] of forms)
  test(`in an opaque map ${JSON.stringify(sent)} comes back as ${JSON.stringify(came)}`, () => {
    const kind = kindOf('ProxyDefaults');
    const entry = (a: unknown): Record<string, unknown> => ({ Name: 'global', Config: { a } });
    assert.deepEqual(entryDifferences(kind, entry(sent), entry(came)), []);
    assert.equal(entryDifferences(kind, entry(sent), entry('other')).length, 1);
  });
