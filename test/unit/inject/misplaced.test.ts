/** Annotations of pods in places from which no pod gets them: each is told, with the place where it belongs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ofServices } from '../../../src/inject/annotations.ts';
import { editManifests } from '../../../src/manifests/edit-manifests.ts';
import {
  askedWithoutPod,
  labelsInstead,
  labelsOfConsulK8s,
  misplacedAnnotations,
} from '../../../src/inject/misplaced.ts';

const ASK = 'consul.hashicorp.com/connect-inject';
const asked = { annotations: { [ASK]: 'true' } };
const pod = { spec: { containers: [{ name: 'a', image: 'i' }] } };

function told(manifest: object, ...path: string[]): readonly string[] {
  return misplacedAnnotations(manifest, path).map(
    ({ at, message }) => `${at} ${message.split('put it ')[1]}`,
  );
}

test('annotations beside the pod template, at every level of a workload', () => {
  const job = { metadata: asked, spec: { template: pod } };
  const path = ['spec', 'jobTemplate', 'spec', 'template'];
  assert.deepEqual(told({ metadata: asked, spec: { jobTemplate: job } }, ...path), [
    'metadata.annotations under spec.jobTemplate.spec.template.metadata.annotations',
    'spec.jobTemplate.metadata.annotations under spec.jobTemplate.spec.template.metadata.annotations',
  ]);
  const template = { ...asked, metadata: { labels: { app: 'a' } }, spec: { ...pod.spec, ...asked } };
  assert.deepEqual(
    told({ metadata: { labels: asked.annotations }, spec: { ...asked, template } }, 'spec', 'template'),
    [
      'metadata.labels under spec.template.metadata.annotations',
      'spec.annotations under spec.template.metadata.annotations',
      'spec.template.annotations under spec.template.metadata.annotations',
      'spec.template.spec.annotations under spec.template.metadata.annotations',
    ],
  );
  assert.deepEqual(
    told({ metadata: asked, spec: { jobs: [{ template: pod }] } }, 'spec', 'jobs', '0', 'template'),
    ['metadata.annotations under spec.jobs.0.template.metadata.annotations'],
  );
  assert.deepEqual(told({ kind: 'Pod', metadata: { [ASK]: 'true' }, spec: pod.spec }), [
    'metadata under metadata.annotations',
  ]);
});

test('what the pods have as well, what is of Services, and selectors are in their place', () => {
  const term = { matchLabels: { [ASK]: 'true', 'consul.hashicorp.com/connect-inject-status': 'injected' } };
  const manifest = {
    metadata: {
      annotations: {
        ...asked.annotations,
        'consul.hashicorp.com/service-sync': 'false',
        'tandem/injected': '{}',
      },
      labels: { 'consul.hashicorp.com/connect-inject-status': 'injected' },
    },
    spec: {
      selector: term,
      template: { metadata: asked, spec: { ...pod.spec, affinity: { namespaceSelector: term } } },
    },
  };
  assert.deepEqual(told(manifest, 'spec', 'template'), []);
  const many = { metadata: asked, spec: { jobs: [{ template: { metadata: asked, ...pod } }] } };
  assert.deepEqual(told(many, 'spec', 'jobs', '0', 'template'), []);
});

test('a label of the pod, where an annotation is meant', () => {
  const labels = { [ASK]: 'true', 'consul.hashicorp.com/connect-inject-status': 'injected' };
  assert.deepEqual(
    labelsInstead({ labels }).map(({ at }) => at),
    ['metadata.labels'],
  );
  assert.deepEqual(labelsInstead({ labels, ...asked }), []);
  assert.deepEqual(labelsInstead({ labels: { 'consul.hashicorp.com/team': 'a' } }), []);
  assert.deepEqual(
    told(
      { metadata: { labels: { 'consul.hashicorp.com/team': 'a' } }, spec: { template: pod } },
      'spec',
      'template',
    ),
    [],
  );
  assert.deepEqual(labelsInstead(undefined), []);
});

test('an object without a pod that asks for the sidecar is named, and nothing else is', () => {
  const skipped = { kind: 'skip', reason: 'not-opted-in', warnings: [] } as const;
  const outcomes = (text: string): readonly string[] => {
    const edited = editManifests(text, () => skipped);
    assert.ok(edited.ok);
    assert.equal(edited.text, text);
    return edited.outcomes.map(({ kind, edit }) =>
      [kind, edit.kind === 'skip' ? edit.reason : '', ...edit.warnings.map(({ reason }) => reason)].join(' '),
    );
  };
  const annotated = (kind: string): string =>
    `kind: ${kind}\nmetadata: { annotations: { ${ASK}: "true" } }\n`;
  for (const kind of ['Rollout', 'Service', 'Namespace'])
    assert.deepEqual(outcomes(annotated(kind)), [`${kind} no-pod wrong-place`]);
  assert.deepEqual(
    outcomes('kind: Service\nmetadata: { annotations: { consul.hashicorp.com/service-sync: "true" } }\n'),
    [],
  );
  assert.match(askedWithoutPod({ metadata: asked }, 'Namespace')?.message ?? '', /opts in by a label/);
  const jobs = `kind: JobSet\nmetadata: { annotations: { ${ASK}: "true" } }\nspec: { jobs: [{ spec: { containers: [{}] } }] }\n`;
  assert.deepEqual(outcomes(jobs), ['JobSet kind-not-edited kind-not-edited wrong-place']);
});

test('the names for Services alone are those of the sync that pods do not have', () => {
  assert.deepEqual(ofServices, ['service-sync', 'service-name', 'service-port', 'service-weight']);
});

test('labels that consul-k8s defines as labels: they do nothing here, and no other place would help', () => {
  const labels = {
    'consul.hashicorp.com/service-ignore': 'true',
    'consul.hashicorp.com/telemetry-collector': 'x',
  };
  assert.deepEqual(labelsInstead({ labels }), []);
  assert.deepEqual(
    labelsOfConsulK8s({ ...labels, app: 'web' }).map(({ message }) => message),
    Object.keys(labels).map((key) => `"${key}" is a label of consul-k8s and does nothing here`),
  );
});
