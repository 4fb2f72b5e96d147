/** What is added looks like what is there, and Kubernetes reads it as it was meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editManifests } from '../../../src/manifests/edit-manifests.ts';
import type { TemplateEdit } from '../../../src/manifests/edited-pod.ts';
import type { PatchOperation } from '../../../src/support/json-patch.ts';

const add = (path: string, value: unknown): PatchOperation => ({ op: 'add', path, value });
const remove = (path: string): PatchOperation => ({ op: 'remove', path });
const restore = (path: string, value: unknown): PatchOperation => ({ op: 'replace', path, value });

function edit(text: string, patch: readonly PatchOperation[]): string {
  const edited = editManifests(text, (): TemplateEdit => ({ kind: 'edit', patch, warnings: [] }));
  assert.ok(edited.ok, edited.ok ? '' : edited.message);
  assert.deepEqual(
    edited.outcomes.map((outcome) => (outcome.edit.kind === 'invalid' ? outcome.edit.problems : [])),
    [[]],
  );
  return edited.text;
}

const HEAD = 'apiVersion: v1\nkind: Pod\n';
const STATUS = '/metadata/annotations/status';

type Layout = {
  readonly what: string;
  readonly before: string;
  readonly patch: readonly PatchOperation[];
  readonly after: string;
  readonly inverse: readonly PatchOperation[];
};

const layouts: readonly Layout[] = [
  {
    what: 'four columns a level',
    before: `${HEAD}spec:\n    containers:\n        - name: a\n`,
    patch: [
      add('/spec/containers/0/env', [{ name: 'A', from: { b: 'c' } }]),
      add('/metadata', { labels: { a: 'b' } }),
    ],
    after: `${HEAD}spec:\n    containers:\n        - name: a\n          env:\n              - name: A\n                from:\n                    b: c\nmetadata:\n    labels:\n        a: b\n`,
    inverse: [remove('/spec/containers/0/env'), remove('/metadata')],
  },
  {
    what: 'lists in the column of their key',
    before: `${HEAD}spec:\n  containers:\n  - name: a\n`,
    patch: [add('/spec/volumes', [{ name: 'v', items: ['x'] }])],
    after: `${HEAD}spec:\n  containers:\n  - name: a\n  volumes:\n  - name: v\n    items:\n    - x\n`,
    inverse: [remove('/spec/volumes')],
  },
  {
    what: 'JSON without a space',
    before: '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}],"volumes":[]}}',
    patch: [
      add('/spec/containers/-', { name: 'b' }),
      add('/spec/volumes/-', 1),
      add('/metadata', { a: { b: 'c' } }),
    ],
    after:
      '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"},{"name":"b"}],"volumes":[1]},"metadata":{"a":{"b":"c"}}}',
    inverse: [remove('/spec/containers/1'), remove('/spec/volumes/0'), remove('/metadata')],
  },
  {
    what: 'JSON over lines, by tabs, with an empty map in it',
    before: '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {},\n\t"spec": {}\n}\n',
    patch: [add('/metadata/labels', { a: 'b' })],
    after:
      '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {\n\t\t"labels": {\n\t\t\t"a": "b"\n\t\t}\n\t},\n\t"spec": {}\n}\n',
    inverse: [remove('/metadata/labels')],
  },
  {
    what: 'text that YAML 1.1, which Kubernetes reads, takes for something else',
    before: `${HEAD}spec:\n  containers: []\n`,
    patch: [add('/metadata', { a: 'no', b: '1_000', c: 'on', y: '012', d: 'yes!' })],
    after: `${HEAD}spec:\n  containers: []\nmetadata:\n  a: "no"\n  b: "1_000"\n  c: "on"\n  "y": "012"\n  d: yes!\n`,
    inverse: [remove('/metadata')],
  },
  {
    what: 'a key that was turned into a comment, at the end of its map',
    before: `${HEAD}metadata:\n  labels:\n    a: b\n    # c: d\nspec: {}\n`,
    patch: [add('/metadata/labels/e', 'f')],
    after: `${HEAD}metadata:\n  labels:\n    a: b\n    # c: d\n    e: f\nspec: {}\n`,
    inverse: [remove('/metadata/labels/e')],
  },
  {
    what: 'blank lines behind a block text',
    before: `${HEAD}spec:\n  containers:\n    - name: a\n      args:\n        - |\n          one\n\n\n    # next\n`,
    patch: [add('/spec/containers/-', { name: 'b', args: ['two\n'] })],
    after: `${HEAD}spec:\n  containers:\n    - name: a\n      args:\n        - |\n          one\n    - name: b\n      args:\n        - |\n          two\n\n\n    # next\n`,
    inverse: [remove('/spec/containers/1')],
  },
  {
    what: 'an alias beside what is added',
    before: `x-limits: &limits {cpu: 1}\n${HEAD}spec:\n  containers:\n    - name: a\n      resources: *limits\n`,
    patch: [add('/spec/containers/0/env', [{ name: 'A' }])],
    after: `x-limits: &limits {cpu: 1}\n${HEAD}spec:\n  containers:\n    - name: a\n      resources: *limits\n      env:\n        - name: A\n`,
    inverse: [remove('/spec/containers/0/env')],
  },
  ...['~', 'null', 'Null', '~ # for now'].map((nothing) => ({
    what: `nothing, written ${nothing}`,
    before: `${HEAD}metadata:\n  annotations: ${nothing}\n  # about labels\n  labels:\nspec: {}\n`,
    patch: [add('/metadata/annotations', { a: 'b' })],
    after: `${HEAD}metadata:\n  annotations: # was ${nothing}\n    a: b\n  # about labels\n  labels:\nspec: {}\n`,
    inverse: [restore('/metadata/annotations', null)],
  })),
  {
    what: 'an empty text in single quotes',
    before: `${HEAD}metadata:\n  annotations:\n    status: '' # by hand\nspec: {}\n`,
    patch: [add(STATUS, 'injected')],
    after: `${HEAD}metadata:\n  annotations:\n    status: # was '' # by hand\n      "injected"\nspec: {}\n`,
    inverse: [restore(STATUS, '')],
  },
  {
    what: 'an empty text in double quotes',
    before: `${HEAD}metadata:\n  annotations:\n    status: "" # by hand\nspec: {}\n`,
    patch: [add(STATUS, 'injected')],
    after: `${HEAD}metadata:\n  annotations:\n    status: "injected" # by hand\nspec: {}\n`,
    inverse: [restore(STATUS, '')],
  },
  {
    what: 'a comment of the author that looks like one of ours',
    before: `${HEAD}metadata:\n  annotations: # was a: b\nspec: {}\n`,
    patch: [add('/metadata/annotations', { a: 'b' })],
    after: `${HEAD}metadata:\n  annotations: # was a: b\n    a: b\nspec: {}\n`,
    inverse: [restore('/metadata/annotations', null)],
  },
  {
    what: 'a byte order mark before the line of the map that grows',
    before: `\uFEFF${HEAD}spec: {}\n`,
    patch: [add('/metadata', { a: 'b' })],
    after: `\uFEFF${HEAD}spec: {}\nmetadata:\n  a: b\n`,
    inverse: [remove('/metadata')],
  },
  {
    what: 'numbers that JSON does not know',
    before: `${HEAD}spec:\n  a: -0\n  b: .nan\n  c: -.inf\n`,
    patch: [add('/spec/d', 1)],
    after: `${HEAD}spec:\n  a: -0\n  b: .nan\n  c: -.inf\n  d: 1\n`,
    inverse: [remove('/spec/d')],
  },
];

for (const { what, before, patch, after, inverse } of layouts) {
  test(`${what}: added in style, and taken out without a trace`, () => {
    assert.equal(edit(before, patch), after);
    assert.equal(edit(after, inverse), before);
  });
}

test('a value that is there already is not touched', () => {
  const text = `${HEAD}metadata:\n  annotations:\n    status: 'injected'\nspec: {}\n`;
  assert.equal(edit(text, [add(STATUS, 'injected')]), text);
  assert.equal(edit(text, [restore(STATUS, 'injected')]), text);
});

test('an anchor that a list shares a thousand times is read', () => {
  const items = '  - {<<: *base, kind: Service}\n'.repeat(1000);
  const text = `x-base: &base {apiVersion: v1}\nkind: List\nitems:\n${items}`;
  const edited = editManifests(text, () => assert.fail());
  assert.ok(edited.ok, edited.ok ? '' : edited.message);
  assert.equal(edited.text, text);
});
