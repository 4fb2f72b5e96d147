/** Pods in kinds that nobody told us of: edited, or named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editManifests } from '../../../src/manifests/edit-manifests.ts';
import type { TemplateEdit } from '../../../src/manifests/edited-pod.ts';
import type { PodTemplate } from '../../../src/manifests/pod-template.ts';

const mark = (_template: PodTemplate): TemplateEdit => ({
  kind: 'edit',
  patch: [{ op: 'add', path: '/spec/marked', value: true }],
  warnings: [],
});

function edited(text: string) {
  const result = editManifests(text, mark);
  assert.ok(result.ok);
  return {
    text: result.text,
    outcomes: result.outcomes.map(
      ({ kind, name, line, edit }) =>
        `${line} ${kind} ${name} ${edit.kind === 'skip' ? edit.reason : edit.kind}`,
    ),
    warnings: result.outcomes.flatMap(({ edit }) => edit.warnings.map(({ at }) => at)),
  };
}

const template = 'spec:\n  template:\n    spec:\n      containers:\n        - {name: c, image: i}\n';
const header = (apiVersion: string, kind: string): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: w}\n`;

for (const [apiVersion, kind] of [
  ['argoproj.io/v1alpha1', 'Rollout'],
  ['apps.openshift.io/v1', 'DeploymentConfig'],
  ['apps.kruise.io/v1alpha1', 'CloneSet'],
  ['extensions/v1beta1', 'Deployment'],
  ['example.com/v7', 'Whatever'],
] as const) {
  test(`${kind} of ${apiVersion} is edited at spec.template, alone and in a list`, () => {
    const alone = edited(header(apiVersion, kind) + template);
    assert.deepEqual(alone.outcomes, [`6 ${kind} w edit`]);
    assert.match(alone.text, /^ {6}marked: true$/m);
    const item = (header(apiVersion, kind) + template)
      .replaceAll(/^/gm, '    ')
      .trimEnd()
      .replace(/^ {4}/, '  - ');
    const listed = edited(`apiVersion: v1\nkind: List\nitems:\n${item}\n`);
    assert.deepEqual(listed.outcomes, [`9 ${kind} w edit`]);
  });
}

const passedOver: readonly (readonly [string, string, string])[] = [
  ['serving.knative.dev/v1', 'Service', template],
  [
    'batch.volcano.sh/v1alpha1',
    'Job',
    'spec:\n  tasks:\n    - name: t\n      template:\n        spec:\n          containers: [{name: c}]\n',
  ],
  [
    'kubeflow.org/v1',
    'PyTorchJob',
    `spec:\n  pytorchReplicaSpecs:\n    Master:\n${template.slice(6).replaceAll(/^/gm, '    ')}`,
  ],
];

for (const [apiVersion, kind, spec] of passedOver) {
  test(`the pod of a ${kind} of ${apiVersion} is named as passed over, and stays as it is`, () => {
    const text = header(apiVersion, kind) + spec;
    const { outcomes, text: after, warnings } = edited(text);
    assert.equal(after, text);
    assert.match(outcomes.join(), new RegExp(`^\\d+ ${kind} w kind-not-edited$`));
    assert.match(warnings.join(), /^spec\..*/);
  });
}

test('templates of other things are left alone, without a word', () => {
  const texts = [
    `${header('bitnami.com/v1alpha1', 'SealedSecret')}spec:\n  template:\n    metadata: {name: s}\n    type: Opaque\n`,
    `${header('cert-manager.io/v1', 'Certificate')}spec:\n  secretTemplate:\n    annotations: {a: b}\n`,
    `${header('external-secrets.io/v1', 'ExternalSecret')}spec:\n  target:\n    template: {data: {a: b}}\n`,
    `${header('argoproj.io/v1alpha1', 'Workflow')}spec:\n  templates:\n    - container: {image: i}\n`,
    `${header('kubevirt.io/v1', 'VirtualMachine')}spec:\n  template:\n    spec:\n      domain: {}\n`,
    `${header('apiextensions.k8s.io/v1', 'CustomResourceDefinition')}spec:\n  versions:\n    - example: {spec: {containers: [{name: c}]}}\n`,
    `${header('example.com/v1', 'Odd')}spec:\n  template:\n    spec:\n      containers: 3\n`,
  ];
  for (const text of texts) assert.deepEqual(edited(text), { text, outcomes: [], warnings: [] });
});
