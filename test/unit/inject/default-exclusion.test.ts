/** Namespaces of providers, where injection is on by default. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { injectFlags, injectSettings, withDefaults } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { PROVIDER_NAMESPACES } from '../../../src/inject/default-exclusion.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectSettings } from '../../../src/inject/settings.ts';

const { values } = parseFlags(
  injectFlags,
  ['--default-inject', '--default-inject-exclude-namespaces=ci-*'],
  {},
);
const facts = { version: '0.0.0', nativeSidecar: true, preStopSleep: true, ownNamespace: 'tandem' };
const settings = injectSettings(values, facts);

function answer(namespace: string, annotations: object = {}, by: InjectSettings = settings): string {
  const object = { metadata: { annotations }, spec: { containers: [{ name: 'web' }] } };
  const result = inject({ kind: 'v1/Pod', operation: 'CREATE', namespace, object }, by);
  return result.kind === 'skip' ? result.reason : result.kind;
}

const PROVIDERS = [
  'local-path-storage',
  'openebs',
  'gmp-system',
  'gke-managed-cim',
  'openshift',
  'openshift-dns',
];

test('their pods get no sidecar by default, and those of more namespaces that the operator names', () => {
  for (const namespace of [...PROVIDERS, 'ci-7'])
    assert.equal(answer(namespace), 'namespace-excluded', namespace);
  for (const namespace of ['shop', 'openshifts', 'my-openebs', 'gmp', 'ci'])
    assert.equal(answer(namespace), 'inject', namespace);
});

test('a pod that asks gets one, and every pod of a namespace that opted in', () => {
  for (const namespace of PROVIDERS) {
    assert.equal(answer(namespace, { 'consul.hashicorp.com/connect-inject': 'true' }), 'inject');
    assert.equal(
      answer(namespace, {}, withDefaults(settings, { inject: true, transparentProxy: undefined })),
      'inject',
    );
    assert.equal(
      answer(namespace, {}, withDefaults(settings, { inject: false, transparentProxy: undefined })),
      'not-opted-in',
    );
  }
});

test('the chart does not show them to the webhook: the same list', () => {
  const folder = join(import.meta.dirname, '../../../deploy/charts/tandem/templates');
  const template = readFileSync(join(folder, '_webhook-entry.tpl'), 'utf8');
  const found = /"tandem\.webhookEntry\.excludedNamespaces" -\}\}\n(?<list>.*)\n/.exec(template);
  assert.deepEqual(found?.groups?.['list']?.split(' '), [...PROVIDER_NAMESPACES]);
});
