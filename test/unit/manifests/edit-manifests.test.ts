/** Layouts of manifests that people write, one by one: what is added goes to the right lines, and comes out again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editManifests } from '../../../src/manifests/edit-manifests.ts';
import type { TemplateEdit } from '../../../src/manifests/edited-pod.ts';
import type { PatchOperation } from '../../../src/support/json-patch.ts';

const add = (path: string, value: unknown): PatchOperation => ({ op: 'add', path, value });
const remove = (path: string): PatchOperation => ({ op: 'remove', path });

function edit(text: string, patch: readonly PatchOperation[]): string {
  const edited = editManifests(text, (): TemplateEdit => ({ kind: 'edit', patch, warnings: [] }));
  assert.ok(edited.ok);
  assert.deepEqual(
    edited.outcomes.flatMap((outcome) => (outcome.edit.kind === 'invalid' ? outcome.edit.problems : [])),
    [],
  );
  return edited.text;
}

const HEAD = 'apiVersion: v1\nkind: Pod\n';

const layouts: readonly [string, string, readonly PatchOperation[], string, readonly PatchOperation[]][] = [
  [
    'a comment above the first element stays with it',
    `${HEAD}spec:\n  containers:\n  - name: a\n    env: # of the shop\n\n    # the first\n    - name: A\n`,
    [add('/spec/containers/0/env/0', { name: 'NEW' })],
    `${HEAD}spec:\n  containers:\n  - name: a\n    env: # of the shop\n    - name: NEW\n\n    # the first\n    - name: A\n`,
    [remove('/spec/containers/0/env/0')],
  ],
  [
    'a comment behind the last element stays behind',
    `${HEAD}spec:\n  containers:\n    - name: a # the shop\n    # nothing else\n  # the end\n  restartPolicy: Never\n`,
    [add('/spec/containers/-', { name: 'b' })],
    `${HEAD}spec:\n  containers:\n    - name: a # the shop\n    - name: b\n    # nothing else\n  # the end\n  restartPolicy: Never\n`,
    [remove('/spec/containers/1')],
  ],
  [
    'a block text as the last value, without a last line break',
    `${HEAD}spec:\n  containers:\n  - name: a\n    command:\n    - |\n      one\n\n      two`,
    [add('/spec/containers/0/env', [{ name: 'NEW' }]), add('/spec/volumes', [{ name: 'v' }])],
    `${HEAD}spec:\n  containers:\n  - name: a\n    command:\n    - |\n      one\n\n      two\n    env:\n    - name: NEW\n  volumes:\n  - name: v`,
    [remove('/spec/containers/0/env'), remove('/spec/volumes')],
  ],
  [
    'a value with nothing in it',
    `${HEAD}metadata:\n  annotations: # none yet\n  labels:\nspec: {}\n`,
    [add('/metadata/annotations', { a: 'b' }), add('/metadata/labels', { c: 'd' })],
    `${HEAD}metadata:\n  annotations: # none yet\n    a: b\n  labels:\n    c: d\nspec: {}\n`,
    [
      { op: 'replace', path: '/metadata/annotations', value: null },
      { op: 'replace', path: '/metadata/labels', value: null },
    ],
  ],
  [
    'flow style in a block document',
    `${HEAD}metadata: {name: a}\nspec: {containers: [ {name: a} ]}\n`,
    [add('/spec/containers/-', { name: 'b' }), add('/metadata/labels', { x: 'y' })],
    `${HEAD}metadata: {name: a, "labels": {"x":"y"}}\nspec: {containers: [ {name: a}, {"name":"b"} ]}\n`,
    [remove('/spec/containers/1'), remove('/metadata/labels')],
  ],
  [
    'pretty JSON',
    '{\n  "apiVersion": "v1",\n  "kind": "Pod",\n  "spec": {\n    "containers": [\n      {\n        "name": "a"\n      }\n    ]\n  }\n}\n',
    [add('/spec/containers/0/env', [{ name: 'NEW' }])],
    '{\n  "apiVersion": "v1",\n  "kind": "Pod",\n  "spec": {\n    "containers": [\n      {\n        "name": "a",\n        "env": [\n          {\n            "name": "NEW"\n          }\n        ]\n      }\n    ]\n  }\n}\n',
    [remove('/spec/containers/0/env')],
  ],
  [
    'documents around it, directives and end marks',
    `%YAML 1.2\n---\n# first\nkind: Other\n...\n---\n${HEAD}spec:\n  containers: []\n...\n# the end\n`,
    [add('/spec/containers/-', { name: 'b' })],
    `%YAML 1.2\n---\n# first\nkind: Other\n...\n---\n${HEAD}spec:\n  containers: [{"name":"b"}]\n...\n# the end\n`,
    [remove('/spec/containers/0')],
  ],
  [
    'a byte order mark and Windows line ends',
    `\uFEFF${HEAD}spec:\n  containers:\n  - name: a\n`.replaceAll('\n', '\r\n'),
    [add('/spec/containers/0/env', [{ name: 'NEW', value: 'x\ny\n' }])],
    `\uFEFF${HEAD}spec:\n  containers:\n  - name: a\n    env:\n    - name: NEW\n      value: |\n        x\n        y\n`.replaceAll(
      '\n',
      '\r\n',
    ),
    [remove('/spec/containers/0/env')],
  ],
];

for (const [what, before, patch, after, inverse] of layouts) {
  test(`${what}: edited, and back`, () => {
    assert.equal(edit(before, patch), after);
    assert.equal(edit(after, inverse), before);
  });
}

const SHARED = `${HEAD}metadata:
  name: a
spec:
  containers:
  - name: a
    env: &settings
    - name: A
  - name: b
    env: *settings
`;

test('an anchor is not edited when its alias would change too', () => {
  const both = [add('/spec/containers/0/env/0', { name: 'NEW' })];
  const edited = editManifests(SHARED, () => ({ kind: 'edit', patch: both, warnings: [] }));
  assert.ok(edited.ok);
  const [outcome] = edited.outcomes;
  assert.equal(outcome?.edit.kind, 'invalid', 'the alias would change too, which nobody asked for');
  assert.equal(edited.text, SHARED);
});

test('an alias in the way is refused with its line and its name, and the document stays', () => {
  const patch = [add('/spec/containers/1/env/0', { name: 'NEW' })];
  const edited = editManifests(SHARED, () => ({ kind: 'edit', patch, warnings: [] }));
  assert.ok(edited.ok);
  assert.equal(edited.text, SHARED);
  const [outcome] = edited.outcomes;
  assert.ok(outcome?.edit.kind === 'invalid');
  assert.deepEqual(
    outcome.edit.problems.map(({ at }) => at),
    ['line 11'],
  );
  assert.match(outcome.edit.problems[0]?.message ?? '', /\*settings/);
});

test('one document that cannot be edited does not keep the others from it', () => {
  const text = `${SHARED}---\n${HEAD}metadata:\n  name: c\nspec:\n  containers:\n  - name: a\n  - name: b\n    env: []\n`;
  const edited = editManifests(text, () => ({
    kind: 'edit',
    patch: [add('/spec/containers/1/env/0', { name: 'NEW' })],
    warnings: [],
  }));
  assert.ok(edited.ok);
  assert.deepEqual(
    edited.outcomes.map((outcome) => outcome.edit.kind),
    ['invalid', 'edit'],
  );
  assert.ok(edited.text.startsWith(SHARED) && edited.text.endsWith('env: [{"name":"NEW"}]\n'));
});

test('what is no YAML says where', () => {
  for (const [text, line, column] of [
    ['a: b\nc: [1, 2\n', 3, 1],
    ['a: 1\na: 2\n', 2, 1],
    ['a: b\n  c: d\n', 1, 4],
  ] as const) {
    const edited = editManifests(text, () => assert.fail());
    assert.ok(!edited.ok);
    assert.deepEqual([edited.line, edited.column], [line, column], edited.message);
    assert.doesNotMatch(edited.message, /\n|at line/);
  }
});

test('aliases that multiply are refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(', ')}]`,
  );
  const edited = editManifests(['l0: &l0 [x]', ...levels, ''].join('\n'), () => assert.fail());
  assert.ok(!edited.ok && /aliases/.test(edited.message));
});
