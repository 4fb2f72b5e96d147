/** Which pods of a text are seen, and what is said of those that cannot be edited where they stand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editManifests } from '../../../src/manifests/edit-manifests.ts';
import type { TemplateEdit } from '../../../src/manifests/edited-pod.ts';
import { cpuCosts } from '../support/cpu-cost.ts';

const labelled: TemplateEdit = {
  kind: 'edit',
  patch: [{ op: 'add', path: '/spec/grown', value: 1 }],
  warnings: [],
};

const TEMPLATE = 'template:\n      spec:\n        containers: []\n';
const workload = (apiVersion: string, kind: string): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: w\nspec:\n    ${TEMPLATE}`;

function outcomes(text: string): string[] {
  const edited = editManifests(text, () => labelled);
  assert.ok(edited.ok, edited.ok ? '' : edited.message);
  return edited.outcomes.map(
    ({ kind, namespace, name, edit }) => `${edit.kind} ${kind} ${namespace ?? '-'}/${name}`,
  );
}

test('every kind that Kubernetes makes pods from', () => {
  const kinds = [
    ['v1', 'ReplicationController'],
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'ReplicaSet'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['batch/v1', 'Job'],
  ] as const;
  for (const [apiVersion, kind] of kinds)
    assert.deepEqual(outcomes(workload(apiVersion, kind)), [`edit ${kind} -/w`]);
  assert.deepEqual(
    outcomes('apiVersion: v1\nkind: PodTemplate\nmetadata: {name: w}\ntemplate:\n  spec: {}\n'),
    ['edit PodTemplate -/w'],
  );
  assert.deepEqual(
    outcomes(
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: w, namespace: "n"}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec: {}\n',
    ),
    ['edit CronJob n/w'],
  );
});

test('other kinds, other groups, and workloads without a pod pass through', () => {
  for (const text of [
    workload('example.com/v1', 'Deployment'),
    workload('v1', 'Service'),
    'apiVersion: apps/v1\nkind: Deployment\nspec: {}\n',
    'apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n',
    'just text',
    '- 1\n- 2\n',
  ])
    assert.deepEqual(outcomes(text), [], text);
});

test('lists, lists in lists, and lists of an API server whose items name no kind', () => {
  const pod = '{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}}';
  assert.deepEqual(
    outcomes(
      `apiVersion: v1\nkind: List\nitems:\n- ${pod}\n- kind: Service\n- kind: List\n  items:\n  - ${pod}\n`,
    ),
    ['edit Pod -/a', 'edit Pod -/a'],
  );
  assert.deepEqual(outcomes('apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: b}\n  spec: {}\n'), [
    'edit Pod -/b',
  ]);
  assert.deepEqual(
    outcomes(
      'apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: c}\n  spec: {template: {spec: {}}}\n',
    ),
    ['edit Deployment -/c'],
  );
});

/** Text, line of the problem, and what its sentence has to name. */
const refusals: readonly (readonly [string, string, number, RegExp])[] = [
  [
    'a template that is an alias',
    'x-pod: &pod {spec: {containers: []}}\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template: *pod\n',
    5,
    /\*pod.*write it out here/,
  ],
  [
    'a template that comes by a merge key',
    'x-base: &base\n  template: {spec: {containers: []}}\napiVersion: apps/v1\nkind: Deployment\nspec:\n  <<: *base\n',
    6,
    /"template" comes from the merge key <<.*write it out here/,
  ],
  [
    'an anchor that is used again',
    'apiVersion: v1\nkind: Pod\nspec: &shared\n  containers: []\nx-copy: *shared\n',
    3,
    /&shared is used again as \*shared on line 5.*write it out there/,
  ],
];

for (const [what, text, line, message] of refusals) {
  test(`${what}: refused with its line and the way to fix it`, () => {
    const edited = editManifests(text, () => labelled);
    assert.ok(edited.ok);
    assert.equal(edited.text, text);
    const [outcome] = edited.outcomes;
    assert.ok(outcome?.edit.kind === 'invalid');
    assert.deepEqual(
      outcome.edit.problems.map(({ at }) => at),
      [`line ${line}`],
    );
    assert.match(outcome.edit.problems[0]?.message ?? '', message);
  });
}

test('a pod that is not to be edited may stand as it likes', () => {
  const [, text = ''] = refusals[0] ?? [];
  const edited = editManifests(text, () => ({ kind: 'skip', reason: 'opted-out', warnings: [] }));
  assert.ok(edited.ok);
  assert.deepEqual(
    edited.outcomes.map(({ edit }) => edit.kind),
    ['skip'],
  );
});

test('a value in braces that could not come back is refused with what to write', () => {
  for (const [written, wanted] of [
    ['~', /~ inside braces.*write null$/],
    ['', /an empty value inside braces.*write null$/],
  ] as const) {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: {annotations: ${written}, name: a}\nspec: {}\n`;
    const edited = editManifests(text, () => ({
      kind: 'edit',
      patch: [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }],
      warnings: [],
    }));
    assert.ok(edited.ok);
    assert.equal(edited.text, text);
    const [outcome] = edited.outcomes;
    assert.ok(outcome?.edit.kind === 'invalid');
    assert.match(outcome.edit.problems[0]?.message ?? '', wanted);
  }
});

test('a port comes back as people write it, in braces and on its own line', () => {
  for (const [port, refused] of [
    ['{port: http}', false],
    ['{port: 8080}', false],
    ['{"port": "http"}', false],
    ['{port: "8080"}', false],
    ['{port: "http"}', true],
    ["{port: 'http'}", true],
    ['\n        port: http # the name', false],
    ['\n        port: "http"', false],
    ["\n        port: 'on'", false],
    ['\n        port: 8080', false],
  ] as const) {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      httpGet: ${port}\n`;
    const path = '/spec/containers/0/httpGet/port';
    const [value] = [...port.matchAll(/port"?: ["']?([a-z0-9]+)/g)].map(([, word]) => word);
    const before = value === '8080' && !port.includes('"') ? 8080 : value;
    const edit = (op: 'add' | 'replace', to: unknown) => () =>
      ({ kind: 'edit', patch: [{ op, path, value: to }], warnings: [] }) as const;
    const edited = editManifests(text, edit('add', 20_300));
    assert.ok(edited.ok);
    assert.equal(edited.outcomes[0]?.edit.kind, refused ? 'invalid' : 'edit', port);
    if (refused) continue;
    assert.match(edited.text, /20300/);
    const back = editManifests(edited.text, edit('replace', before));
    assert.ok(back.ok);
    assert.equal(back.text, text);
  }
});

test('a text that is too deep to be read is no crash', () => {
  for (const text of ['['.repeat(20_000), '{a: '.repeat(20_000), '- '.repeat(20_000)]) {
    const edited = editManifests(text, () => assert.fail());
    assert.ok(!edited.ok && /too deep/.test(edited.message));
  }
});

test('thousands of variables cost a time in proportion', () => {
  const pod = (count: number): string =>
    `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      env:\n${Array.from(
      { length: count },
      (_, index) => `        - name: V${index}\n`,
    ).join('')}`;
  const edit = (count: number) => {
    const text = pod(count);
    const add = Array.from({ length: 100 }, (_, index) => ({
      op: 'add' as const,
      path: `/spec/containers/0/env/${index}`,
      value: { name: `N${index}` },
    }));
    return () => {
      const edited = editManifests(text, () => ({ kind: 'edit', patch: add, warnings: [] }));
      assert.ok(edited.ok && edited.text.length > text.length);
    };
  };
  edit(1500)();
  const [small = NaN, large = NaN] = cpuCosts(edit(1500), edit(12_000));
  // Eight times the size; a square would cost 64 times as much.
  assert.ok(large < small * 24, `${small} ms, then ${large} ms`);
});
