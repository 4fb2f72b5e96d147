import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideService } from '../../../../src/catalog/to-consul/decide-service.ts';
import type { ToConsulSettings } from '../../../../src/catalog/to-consul/to-consul-settings.ts';
import { reasonsOf, service, SETTINGS } from './objects.ts';

type Parts = Parameters<typeof service>[0];

const rows: readonly [string, Parts, Partial<ToConsulSettings>, string][] = [
  ['the API server', { metadata: { name: 'kubernetes' } }, {}, 'skip kubernetes-api'],
  [
    'another Service called kubernetes',
    { metadata: { name: 'kubernetes', namespace: 'team' } },
    {},
    'sync default-on',
  ],
  [
    'made by Tandem, by its label',
    { metadata: { labels: { 'app.kubernetes.io/managed-by': 'tandem' } } },
    {},
    'skip made-by-tandem',
  ],
  [
    'made by Tandem, by its annotation, of another cluster too',
    { metadata: { annotations: { 'tandem/owner': 'x' } } },
    {},
    'skip made-by-tandem',
  ],
  ['a denied namespace', { metadata: { namespace: 'kube-system' } }, {}, 'skip namespace-denied'],
  [
    'a namespace on both lists',
    { metadata: { namespace: 'team' } },
    { allowNamespaces: ['team'], denyNamespaces: ['team'] },
    'skip namespace-denied',
  ],
  ['a namespace not on the list', {}, { allowNamespaces: ['team'] }, 'skip namespace-not-allowed'],
  ['an empty allow list', {}, { allowNamespaces: [] }, 'skip namespace-not-allowed'],
  ['a namespace on the list', {}, { allowNamespaces: ['default'] }, 'sync default-on'],
  ['a new type', { spec: { type: 'Quantum' } }, {}, 'skip unsupported-type'],
  ['a type that was left out', { spec: { type: undefined } }, {}, 'sync default-on'],
  [
    'ClusterIP switched off, whatever the annotation says',
    { annotations: { 'service-sync': 'true' } },
    { syncClusterIpServices: false },
    'skip cluster-ip-off',
  ],
  [
    'headless is ClusterIP too',
    { spec: { clusterIP: 'None' } },
    { syncClusterIpServices: false },
    'skip cluster-ip-off',
  ],
  [
    'externalIPs on a ClusterIP switched off',
    { spec: { externalIPs: ['1.2.3.4'] } },
    { syncClusterIpServices: false },
    'skip cluster-ip-off',
  ],
  ['NodePort stays', { spec: { type: 'NodePort' } }, { syncClusterIpServices: false }, 'sync default-on'],
  ['opted out', { annotations: { 'service-sync': 'false' } }, {}, 'skip opted-out'],
  ['opted out in the short form', { annotations: { 'service-sync': '0' } }, {}, 'skip opted-out'],
  ['opted in', { annotations: { 'service-sync': 'T' } }, { defaultSync: false }, 'sync opted-in'],
  ['not opted in', {}, { defaultSync: false }, 'skip not-opted-in'],
  ['bad, default on', { annotations: { 'service-sync': 'yes' } }, {}, 'sync default-on invalid-sync'],
  [
    'bad, default off',
    { annotations: { 'service-sync': ' true' } },
    { defaultSync: false },
    'skip not-opted-in invalid-sync',
  ],
  ['no string', { annotations: { 'service-sync': false } }, {}, 'skip opted-out'],
];

for (const [what, parts, settings, expected] of rows) {
  test(`${what}: ${expected}`, () => {
    const decision = decideService(service(parts), { ...SETTINGS, ...settings });
    assert.equal([decision.kind, decision.reason, ...reasonsOf(decision)].join(' '), expected);
  });
}

test('a bad annotation names itself, its value, what holds, and what would be right', () => {
  const { problems } = decideService(service({ annotations: { 'service-sync': 'yes' } }), SETTINGS);
  assert.deepEqual(problems, [
    {
      reason: 'invalid-sync',
      at: 'consul.hashicorp.com/service-sync',
      message:
        '"yes" is not one of 1 t T TRUE true True 0 f F FALSE false False; the default (sync) applies until it is one of them',
    },
  ]);
});
