/** The offline injector on texts of many styles: what it adds is right, and what it takes out leaves no byte behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { parseAllDocuments, type ToJSOptions } from 'yaml';
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';
import { inject } from '../../src/inject/inject.ts';
import { editManifests, type EditedManifests } from '../../src/manifests/edit-manifests.ts';
import type { TemplateEdit } from '../../src/manifests/edited-pod.ts';
import type { PodTemplate } from '../../src/manifests/pod-template.ts';
import { applied, reverted, type PodEdit } from '../../src/inject/pod-edit.ts';
import { uninject } from '../../src/inject/uninject.ts';
import type { PatchOperation } from '../../src/support/json-patch.ts';
import { arbitraryGrowth, growthOf } from './arbitrary-growth.ts';
import { arbitraryPod } from './arbitrary-pod.ts';
import { chooser, writeStream } from './styled-yaml.ts';

const parsed = parseFlags(injectFlags, ['--default-inject', '--transparent-proxy', '--redirection=node'], {});
assert.ok(parsed.ok);
const settings = injectSettings(parsed.values, {
  version: '0.0.0',
  nativeSidecar: true,
  preStopSleep: true,
  ownNamespace: undefined,
});

function injectPod({ metadata, spec }: PodTemplate): TemplateEdit {
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object: { metadata, spec } };
  const result = inject(request, settings);
  return result.kind === 'inject' ? { ...result, kind: 'edit' } : result;
}

function uninjectPod({ metadata, spec }: PodTemplate): TemplateEdit {
  const result = uninject({ metadata, spec });
  return result.kind === 'uninject' ? { ...result, kind: 'edit', warnings: [] } : { ...result, warnings: [] };
}

/** A text, its values, and the paths of its pods. */
type Manifest = {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly pods: readonly (readonly [number, string])[];
};

const deployment = (template: unknown): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { replicas: 2, template },
});
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's' },
  spec: { ports: [{ port: 80 }] },
};

/** Pods as they are, in workloads, and in lists. */
function arranged(pods: readonly unknown[], shape: number): Pick<Manifest, 'values' | 'pods'> {
  const [first, ...others] = pods;
  const rest = { values: others, pods: others.map((_, index): [number, string] => [index + 1, '']) };
  if (shape === 0) return { values: [first, ...rest.values], pods: [[0, ''], ...rest.pods] };
  if (shape === 1)
    return { values: [deployment(first), ...rest.values], pods: [[0, '/spec/template'], ...rest.pods] };
  const items = [SERVICE, first, deployment(first)];
  return {
    values: [{ apiVersion: 'v1', kind: 'List', items }, ...rest.values],
    pods: [[0, '/items/1'], [0, '/items/2/spec/template'], ...rest.pods],
  };
}

const choices = fc.array(fc.nat(999), { minLength: 1, maxLength: 300 });

function inYaml<P>(pod: fc.Arbitrary<P>): fc.Arbitrary<Manifest> {
  return fc
    .tuple(fc.array(pod, { minLength: 1, maxLength: 2 }), fc.nat(2), choices)
    .map(([pods, shape, numbers]) => {
      const arrangement = arranged(pods, shape);
      return { ...arrangement, text: writeStream(arrangement.values, chooser(numbers)) };
    });
}

function inJson<P>(pod: fc.Arbitrary<P>): fc.Arbitrary<Manifest> {
  const unit = fc.constantFrom(undefined, 1, 2, 4, '\t');
  return fc
    .tuple(pod, fc.nat(2), unit, fc.constantFrom('\n', '', '\r\n'))
    .map(([only, shape, indent, end]) => {
      const arrangement = arranged([only], shape);
      const text = JSON.stringify(arrangement.values[0], null, indent) + end;
      return { ...arrangement, text: end === '\r\n' ? text.replaceAll(/\r?\n/g, '\r\n') : text };
    });
}

function manifest<P>(pod: fc.Arbitrary<P>): fc.Arbitrary<Manifest> {
  return fc.oneof({ weight: 4, arbitrary: inYaml(pod) }, inJson(pod));
}

function readable(edited: EditedManifests): Extract<EditedManifests, { ok: true }> {
  assert.ok(edited.ok, edited.ok ? '' : edited.message);
  return edited;
}

function valuesOf(text: string, options: ToJSOptions & { version?: '1.1' | '1.2' } = {}): unknown[] {
  return parseAllDocuments(text, { merge: true, logLevel: 'error', ...options }).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as unknown;
  });
}

/** What the layout alone stood against; a problem of the pod itself names a field. */
function refusals({ outcomes }: Extract<EditedManifests, { ok: true }>): string[] {
  return outcomes.flatMap(({ edit }) =>
    edit.kind === 'invalid'
      ? edit.problems.filter(({ at }) => at.startsWith('line ')).map(({ message }) => message)
      : [],
  );
}

function patched(
  values: readonly unknown[],
  pods: Manifest['pods'],
  edits: readonly TemplateEdit[],
): unknown[] {
  return values.map((value, document) => {
    const operations = pods.flatMap(([of, path], index): PatchOperation[] => {
      const edit = edits[index];
      if (of !== document || edit?.kind !== 'edit') return [];
      return edit.patch.map((operation) => ({ ...operation, path: path + operation.path }));
    });
    return jsonPatch.applyPatch(
      structuredClone(value),
      structuredClone(operations) as Operation[],
      true,
      false,
      // A key `__proto__` is data here; the guard is for patches of untrusted origin.
      false,
    ).newDocument;
  });
}

test('the writer of the tests writes what it is given', () => {
  fc.assert(
    fc.property(manifest(arbitraryPod), ({ text, values }) => {
      assert.deepEqual(valuesOf(text), values);
    }),
    { numRuns: 100 },
  );
});

test('inject adds what the engine says, a second time nothing, and uninject gives the bytes back', () => {
  let edits = 0;
  fc.assert(
    fc.property(manifest(arbitraryPod), ({ text, values, pods }) => {
      const injected = readable(editManifests(text, injectPod));
      // In flow style only the usual form can be replaced and come back; the writer leaves other scalars there now and then.
      assert.deepEqual(
        refusals(injected).filter((message) => !/inside braces/.test(message)),
        [],
      );
      fc.pre(injected.outcomes.every(({ edit }) => edit.kind === 'edit'));
      edits += injected.outcomes.length;
      const expected = patched(
        values,
        pods,
        injected.outcomes.map(({ edit }) => edit),
      );
      assert.deepEqual(valuesOf(injected.text), expected);
      const again = readable(editManifests(injected.text, injectPod));
      assert.equal(again.text, injected.text);
      assert.ok(
        again.outcomes.every(({ edit }) => edit.kind === 'skip' && edit.reason === 'already-injected'),
      );
      assert.equal(readable(editManifests(injected.text, uninjectPod)).text, text);
    }),
    { numRuns: 80 },
  );
  assert.ok(edits > 60, `${edits} pods were edited`);
});

test('whatever values are added: they read the same by YAML 1.1, and come out without a trace', () => {
  fc.assert(
    fc.property(manifest(arbitraryPod), arbitraryGrowth, ({ text, values, pods }, growth) => {
      const made: (readonly PodEdit[])[] = [];
      const grown = readable(
        editManifests(text, (template) => {
          const edits = growthOf(template, growth);
          made.push(edits);
          return { kind: 'edit', patch: applied(edits), warnings: [] };
        }),
      );
      // What could not come back as it is, and says so.
      const isKnown = (message: string): boolean => /inside braces|over several lines/.test(message);
      assert.deepEqual(
        refusals(grown).filter((message) => !isKnown(message)),
        [],
      );
      fc.pre(grown.outcomes.every(({ edit }) => edit.kind === 'edit'));
      const expected = patched(
        values,
        pods,
        grown.outcomes.map(({ edit }) => edit),
      );
      assert.deepEqual(valuesOf(grown.text), expected);
      const readAs = (version: '1.1' | '1.2'): unknown[] => {
        const roots = valuesOf(grown.text, { version });
        return pods.map(
          ([document, path]) => jsonPatch.getValueByPointer(roots[document], `${path}/grown`) as unknown,
        );
      };
      assert.deepEqual(readAs('1.1'), readAs('1.2'));
      const undone = editManifests(grown.text, () => ({
        kind: 'edit',
        patch: reverted(made.shift() ?? []),
        warnings: [],
      }));
      assert.deepEqual(refusals(readable(undone)), []);
      assert.equal(readable(undone).text, text);
    }),
    { numRuns: 80 },
  );
});

test('any text is answered, and what cannot be read says where', () => {
  const words = [
    '-',
    ' ',
    '\n',
    ':',
    '{',
    '}',
    '[',
    '&a',
    '*a',
    '"',
    'kind',
    'Pod',
    '<<',
    '#',
    '|',
    '\t',
    '---',
  ];
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...words) }));
  fc.assert(
    fc.property(text, (any) => {
      const edited = editManifests(any, injectPod);
      if (edited.ok) assert.equal(edited.text, any);
      else assert.ok(edited.line >= 1 && edited.column >= 1 && edited.message.length > 0);
    }),
    { numRuns: 3000 },
  );
});
