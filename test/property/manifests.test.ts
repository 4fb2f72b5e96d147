/** The offline injector on texts of many styles: what it adds is right, and what it takes out leaves no byte behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { parseAllDocuments, stringify } from 'yaml';
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';
import { inject } from '../../src/inject/inject.ts';
import {
  editManifests,
  type EditedManifests,
  type PodEdit,
} from '../../src/inject/manifests/edit-manifests.ts';
import type { PodTemplate } from '../../src/inject/manifests/pod-template.ts';
import { uninject } from '../../src/inject/uninject.ts';
import { arbitraryPod } from './arbitrary-pod.ts';

const parsed = parseFlags(injectFlags, ['--default-inject'], {});
assert.ok(parsed.ok);
const settings = injectSettings(parsed.values, {
  version: '0.0.0',
  nativeSidecar: true,
  ownNamespace: undefined,
});

function injectPod({ metadata, spec }: PodTemplate): PodEdit {
  const request = { kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object: { metadata, spec } };
  const result = inject(request, settings);
  return result.kind === 'inject' ? { ...result, kind: 'edit' } : result;
}

function uninjectPod({ metadata, spec }: PodTemplate): PodEdit {
  const result = uninject({ metadata, spec });
  return result.kind === 'uninject' ? { ...result, kind: 'edit', warnings: [] } : { ...result, warnings: [] };
}

type Style = {
  readonly form: 'block' | 'flow' | 'json' | 'pretty json' | 'tabbed json';
  readonly indent: number;
  readonly indentSeq: boolean;
  readonly comments: boolean;
  readonly crlf: boolean;
  readonly openEnd: boolean;
  readonly wrapped: boolean;
};

const style: fc.Arbitrary<Style> = fc.record({
  form: fc.constantFrom('block', 'block', 'block', 'flow', 'json', 'pretty json', 'tabbed json'),
  indent: fc.constantFrom(2, 3, 4),
  indentSeq: fc.boolean(),
  comments: fc.boolean(),
  crlf: fc.boolean(),
  openEnd: fc.boolean(),
  wrapped: fc.boolean(),
});

function write(value: unknown, { form, indent, indentSeq, comments, crlf, openEnd }: Style): string {
  const json = form === 'pretty json' ? indent : form === 'tabbed json' ? '\t' : undefined;
  let text = form.endsWith('json')
    ? `${JSON.stringify(value, null, json)}\n`
    : stringify(value, {
        indent,
        indentSeq,
        lineWidth: 0,
        nullStr: '',
        collectionStyle: form === 'flow' ? 'flow' : 'any',
      });
  if (comments && form === 'block')
    text = text.replaceAll(/^( *)((?:- )?name:.*|spec:|env:|annotations:)$/gm, '$1# about it\n$1$2 # aside');
  if (openEnd) text = text.replace(/\n+$/, '');
  return crlf ? text.replaceAll('\n', '\r\n') : text;
}

// Written with an empty value, null is what people write; `null` in JSON.
const manifest = fc
  .tuple(arbitraryPod, style)
  // A line break inside of a comment's or a plain scalar's line would be another text.
  .map(([pod, chosen]) => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { template: pod },
    };
    const value = chosen.wrapped ? { apiVersion: 'v1', kind: 'List', items: [deployment, pod] } : deployment;
    return { value, text: write(value, chosen) };
  });

function readable(edited: EditedManifests): Extract<EditedManifests, { ok: true }> {
  assert.ok(edited.ok, edited.ok ? '' : edited.message);
  return edited;
}

function values(text: string): unknown[] {
  return parseAllDocuments(text, { merge: true, logLevel: 'error' }).map(
    (document) => document.toJS() as unknown,
  );
}

test('inject adds what the engine says, uninject gives the bytes back', () => {
  let edits = 0;
  fc.assert(
    fc.property(manifest, ({ text }) => {
      fc.pre(parseAllDocuments(text, { logLevel: 'error' }).every(({ errors }) => errors.length === 0));
      // A value that stood where Tandem writes comes back as the same value, in double quotes.
      fc.pre(!text.includes('tandem/injected'));
      const injected = readable(editManifests(text, injectPod));
      fc.pre(injected.outcomes.every(({ edit }) => edit.kind === 'edit'));
      edits += injected.outcomes.length;
      const again = readable(editManifests(injected.text, injectPod));
      assert.equal(again.text, injected.text);
      assert.ok(
        again.outcomes.every(({ edit }) => edit.kind === 'skip' && edit.reason === 'already-injected'),
      );
      assert.equal(readable(editManifests(injected.text, uninjectPod)).text, text);
    }),
    { numRuns: 400 },
  );
  assert.ok(edits > 200, `${edits} pods were edited`);
});

test('the edited text parses to the patched object', () => {
  fc.assert(
    fc.property(manifest, ({ text, value }) => {
      fc.pre(parseAllDocuments(text, { logLevel: 'error' }).every(({ errors }) => errors.length === 0));
      const injected = readable(editManifests(text, injectPod));
      const pods =
        (value as { items?: unknown[] }).items === undefined
          ? ['/spec/template']
          : ['/items/0/spec/template', '/items/1'];
      const operations = injected.outcomes.flatMap(({ edit }, index) =>
        edit.kind === 'edit'
          ? edit.patch.map((operation) => ({ ...operation, path: `${pods[index]}${operation.path}` }))
          : [],
      );
      const [before] = values(text);
      const expected: unknown = jsonPatch.applyPatch(
        before,
        structuredClone(operations) as Operation[],
        false,
        true,
        false,
      ).newDocument;
      assert.deepEqual(values(injected.text), [expected]);
    }),
    { numRuns: 200 },
  );
});

test('any text is answered, and what cannot be read says where', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({
          unit: fc.constantFrom(
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
          ),
        }),
      ),
      (text) => {
        const edited = editManifests(text, injectPod);
        if (edited.ok) assert.equal(edited.text, text);
        else assert.ok(edited.line >= 1 && edited.column >= 1 && edited.message.length > 0);
      },
    ),
    { numRuns: 3000 },
  );
});
