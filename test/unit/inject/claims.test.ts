/** Pods that say that they are injected: a skip when they are, denied when they are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { injectFlags, injectSettings } from '../../../src/config/inject-settings.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';
import { inject } from '../../../src/inject/inject.ts';
import type { InjectResult } from '../../../src/inject/result.ts';

const STATUS = 'consul.hashicorp.com/connect-inject-status';
const facts = { version: '0.0.0', preStopSleep: true, ownNamespace: 'tandem', owner: 'east' };

type Pod = { readonly metadata?: object; readonly spec: object };

function injected(object: Pod, flags: readonly string[] = [], nativeSidecar = true): InjectResult {
  const { values } = parseFlags(injectFlags, ['--default-inject', ...flags], {});
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object };
  return inject(request, injectSettings(values, { ...facts, nativeSidecar }));
}

const web = { name: 'web', image: 'example/web:1' };
const byAnnotation = { annotations: { [STATUS]: 'injected' } };
const byLabel = { labels: { [STATUS]: 'injected' } };
const byRecord = { annotations: { 'tandem/injected': '{"version":"0.0.0"}' } };
const always = { restartPolicy: 'Always' };
const init = { name: 'consul-connect-inject-init' };

const spec = (names: readonly string[], initContainers: readonly object[] = []): object => ({
  containers: [web, ...names.map((name) => ({ name }))],
  initContainers,
});

for (const [what, metadata, containers] of [
  ['dataplane mode, native', byAnnotation, spec([], [{ name: 'consul-dataplane', ...always }])],
  ['dataplane mode, classic', byAnnotation, spec(['consul-dataplane'])],
  ['agent mode, native', byAnnotation, spec([], [init, { name: 'consul-connect-envoy-sidecar', ...always }])],
  ['agent mode, classic', byAnnotation, spec(['consul-connect-envoy-sidecar'], [init])],
  ['the label alone', byLabel, spec(['consul-dataplane'])],
  ['the record alone', byRecord, spec(['consul-dataplane'])],
  ['consul-k8s before 1.0', byAnnotation, spec(['envoy-sidecar'], [init])],
  [
    'consul-k8s, several services',
    byAnnotation,
    spec(
      ['consul-dataplane-web', 'consul-dataplane-admin'],
      [{ name: 'consul-connect-inject-init-web' }, { name: 'consul-connect-inject-init-admin' }],
    ),
  ],
] as const)
  test(`left alone: ${what}`, () => {
    const result = injected({ metadata, spec: containers });
    assert.deepEqual(result, { kind: 'skip', reason: 'already-injected', warnings: [] });
  });

for (const [what, metadata, containers] of [
  ['the annotation, and no proxy', byAnnotation, spec([])],
  ['the label, and no proxy', byLabel, spec([])],
  ['the record, and no proxy', byRecord, spec([])],
  ['a status of another text', { annotations: { [STATUS]: 'pending' } }, spec([])],
  ['a status that is no text', { annotations: { [STATUS]: true } }, spec([])],
  [
    'opted out besides',
    { annotations: { [STATUS]: 'injected', 'consul.hashicorp.com/connect-inject': 'false' } },
    spec([]),
  ],
  ['the network of the node', byAnnotation, { ...spec([]), hostNetwork: true }],
  ['a proxy that ends before the application starts', byAnnotation, spec([], [{ name: 'consul-dataplane' }])],
  ['Envoy without what writes its configuration', byAnnotation, spec(['consul-connect-envoy-sidecar'])],
  ['the init container alone', byAnnotation, spec([], [init])],
  [
    'the init container among the containers',
    byAnnotation,
    spec(['consul-connect-envoy-sidecar', init.name]),
  ],
  ['a name that only begins alike', byAnnotation, spec(['consul-dataplanes'])],
  ['a mere volume of that name', byAnnotation, { ...spec([]), volumes: [{ name: 'consul-dataplane' }] }],
  ['containers that are none', byAnnotation, { containers: [null, 'consul-dataplane', { name: 7 }] }],
] as const)
  test(`denied: ${what}`, () => {
    const result = injected({ metadata, spec: containers });
    assert.ok(result.kind === 'invalid', JSON.stringify(result));
    assert.match(result.problems[0]?.message ?? '', /claims to be injected and is not/);
  });

test('every claim is named, for it has to be removed', () => {
  const metadata = { annotations: { ...byAnnotation.annotations, ...byRecord.annotations }, ...byLabel };
  const result = injected({ metadata, spec: spec([]) });
  assert.ok(result.kind === 'invalid');
  assert.match(
    result.problems[0]?.message ?? '',
    /remove the annotation \S+status and the label \S+status and the annotation tandem\/injected/,
  );
});

test('empty claims say nothing', () => {
  const metadata = { annotations: { [STATUS]: '', 'tandem/injected': '' }, labels: { [STATUS]: '' } };
  assert.equal(injected({ metadata, spec: spec([]) }).kind, 'inject');
});

for (const flags of [[], ['--sidecar-proxy=builtin'], ['--proxy-mode=dataplane']])
  for (const native of [true, false])
    test(`asked again, or applied after an offline injection: ${flags.join(' ')} native ${native}`, () => {
      const pod = { spec: spec([]) };
      const result = injected(pod, flags, native);
      assert.ok(result.kind === 'inject');
      const patch = structuredClone(result.patch) as Operation[];
      const again = injected(jsonPatch.applyPatch(structuredClone(pod), patch).newDocument, flags, native);
      assert.deepEqual(again, { kind: 'skip', reason: 'already-injected', warnings: [] });
    });
