import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainInjection } from '../../../src/inject/explain.ts';
import { injectedPod } from '../catalog/mesh/injected-pods.ts';

const SETTINGS = {
  ownNamespace: undefined,
  allowNamespaces: ['*'],
  denyNamespaces: ['secret'],
  defaultInject: false,
  defaultExclude: [],
};

const podWith = (annotations: Readonly<Record<string, string>>, sidecar?: string): object => ({
  metadata: { annotations },
  spec: { containers: [{ name: 'web' }, ...(sidecar === undefined ? [] : [{ name: sidecar }])] },
});
const ASKED = { 'consul.hashicorp.com/connect-inject': 'true' };

for (const [what, pod, namespace, expected] of [
  ['a pod that Tandem injected', injectedPod(), 'default', { kind: 'injected', mode: 'dataplane' }],
  [
    'one that somebody else injected',
    podWith({ ...ASKED, 'consul.hashicorp.com/connect-inject-status': 'injected' }, 'consul-dataplane'),
    'default',
    { kind: 'by-others' },
  ],
  [
    'one that does not ask',
    podWith({}),
    'default',
    {
      kind: 'skip',
      reason: 'not-opted-in',
      meaning: 'connect-inject is absent and injection is not the default',
      warnings: [],
    },
  ],
  [
    'one in a namespace that is denied',
    podWith(ASKED),
    'secret',
    {
      kind: 'skip',
      reason: 'namespace-denied',
      meaning: 'the namespace is on the deny list (deny beats allow)',
      warnings: [
        'consul.hashicorp.com/connect-inject: the pod gets no sidecar because its namespace is on the deny list of the operator (--deny-namespaces)',
      ],
    },
  ],
  ['one that asks and has none', podWith(ASKED), 'default', { kind: 'wanted' }],
] as const)
  test(what, () => assert.deepEqual(explainInjection(pod, namespace, SETTINGS), expected));

test('one whose annotation is no boolean', () => {
  const found = explainInjection(
    podWith({ 'consul.hashicorp.com/connect-inject': 'maybe' }),
    'default',
    SETTINGS,
  );
  assert.ok(found.kind === 'invalid');
  assert.equal(found.problem.at, 'consul.hashicorp.com/connect-inject');
});

test('one that says that it is injected, and is not', () => {
  const found = explainInjection(
    podWith({ 'consul.hashicorp.com/connect-inject-status': 'injected' }),
    'default',
    SETTINGS,
  );
  assert.ok(found.kind === 'invalid');
  assert.match(found.problem.message, /claims to be injected and is not/);
});

test('one in a file: annotations without quotes, and a label in the place of the annotation', () => {
  const unquoted = {
    metadata: { annotations: { ...ASKED, 'consul.hashicorp.com/enable-metrics': true, x: 1 } },
  };
  assert.deepEqual(explainInjection(unquoted, 'default', SETTINGS), {
    kind: 'invalid',
    problem: {
      at: 'consul.hashicorp.com/enable-metrics',
      message: 'must be a string; put it in quotes: "true" (the API server refuses it)',
    },
  });
  const labelled = explainInjection({ metadata: { labels: ASKED } }, 'default', SETTINGS);
  assert.ok(labelled.kind === 'skip');
  assert.match(labelled.warnings[0] ?? '', /is a label here and does nothing/);
});
