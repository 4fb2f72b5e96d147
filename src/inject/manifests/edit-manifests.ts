/**
 * Manifests in, manifests out: the pods of a text are edited where they stand, and nothing else changes by a byte. What
 * was edited is parsed again and compared with the patched objects; a document for which that fails stays as it was.
 */
import { isDeepStrictEqual } from 'node:util';
import jsonPatch, { type Operation } from 'fast-json-patch';
import {
  isMap,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type ParsedNode,
} from 'yaml';
import { asString, property } from '../../support/json.ts';
import { pointer, type PatchOperation } from '../../support/json-patch.ts';
import type { Problem } from '../result.ts';
import { patchYaml } from './patch-yaml.ts';
import { podTemplateOf, type PodTemplate } from './pod-template.ts';
import { applyEdits, type TextEdit } from './text-edit.ts';
import { UnsupportedLayout } from './unsupported.ts';

/** What an editor says of one pod. */
export type PodEdit =
  | { readonly kind: 'skip'; readonly reason: string; readonly warnings: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly warnings: readonly string[] }
  | {
      readonly kind: 'edit';
      readonly patch: readonly PatchOperation[];
      readonly warnings: readonly string[];
    };

/** What became of one pod. */
export type ManifestOutcome = {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Counted from 1. */
  readonly line: number;
  readonly edit: PodEdit;
};

export type EditedManifests =
  | { readonly ok: true; readonly text: string; readonly outcomes: readonly ManifestOutcome[] }
  /** Line and column counted from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

type Target = {
  readonly document: number;
  readonly path: readonly (string | number)[];
  readonly template: PodTemplate;
  readonly node: Node;
};

const PARSE = { keepSourceTokens: true, merge: true, logLevel: 'error' } as const;

/** @param edit is asked for every pod of the text, in order */
export function editManifests(text: string, edit: (template: PodTemplate) => PodEdit): EditedManifests {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { ...PARSE, lineCounter: lines })];
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return {
      ok: false,
      line,
      column: col,
      message: (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, ''),
    };
  }
  const values = documents.map(valueOf);
  const tooManyAliases = values.findIndex(({ ok }) => !ok);
  if (tooManyAliases !== -1) {
    return {
      ok: false,
      ...placeOf(documents[tooManyAliases], lines),
      message: 'aliases that multiply beyond reason',
    };
  }
  const objects = values.map(({ value }) => value);
  const targets = documents.flatMap((document, index) => targetsOf(document, index, objects[index]));
  const edited = targets.map((target) => ({
    target,
    ...editTarget(text, target, edit(target.template), lines),
  }));
  return { ok: true, ...verified(text, objects, edited, lines) };
}

type Edited = { readonly target: Target; readonly edit: PodEdit; readonly edits: readonly TextEdit[] };

function valueOf(document: Document.Parsed): { readonly ok: boolean; readonly value: unknown } {
  try {
    return { ok: true, value: document.toJS() as unknown };
  } catch {
    return { ok: false, value: undefined };
  }
}

function placeOf(
  document: Document.Parsed | undefined,
  lines: LineCounter,
): { line: number; column: number } {
  const { line, col } = lines.linePos(document?.range[0] ?? 0);
  return { line, column: col };
}

/** The pod of a document, or the pods of its items where it is a list. */
function targetsOf(document: Document.Parsed, index: number, value: unknown): Target[] {
  const isList = (asString(property(value, 'kind')) ?? '').endsWith('List');
  const items = property(value, 'items');
  const roots =
    isList && Array.isArray(items)
      ? items.map((item: unknown, at): [unknown, (string | number)[]] => [item, ['items', at]])
      : [[value, []] as [unknown, (string | number)[]]];
  return roots.flatMap(([manifest, root]) => {
    const template = podTemplateOf(manifest);
    if (template === undefined) return [];
    const path = [...root, ...template.path];
    const node = nodeAt(document.contents, path);
    return node === undefined ? [] : [{ document: index, path, template, node }];
  });
}

function nodeAt(root: ParsedNode | null, path: readonly (string | number)[]): Node | undefined {
  if (path.length === 0) return root ?? undefined;
  if (!isMap(root) && !isSeq(root)) return undefined;
  const node: unknown = root.getIn(path, true);
  return node as Node | undefined;
}

function editTarget(text: string, target: Target, edit: PodEdit, lines: LineCounter): Omit<Edited, 'target'> {
  if (edit.kind !== 'edit') return { edit, edits: [] };
  try {
    const style = { indentSeq: isListIndented(target.node) };
    return { edit, edits: patchYaml(text, target.node, edit.patch, target.path.length, style) };
  } catch (error) {
    if (!(error instanceof UnsupportedLayout)) throw error;
    const offset = error.offset === 0 ? offsetOf(target.node) : error.offset;
    return { edit: refused(error.message, lines.linePos(offset).line, edit.warnings), edits: [] };
  }
}

function refused(message: string, line: number, warnings: readonly string[]): PodEdit {
  return { kind: 'invalid', problems: [{ at: `line ${line}`, message }], warnings };
}

/** Lists under their key may be indented or not; new ones follow the pod's list of containers. */
function isListIndented(pod: Node): boolean {
  const containers: unknown = isMap(pod) ? pod.getIn(['spec', 'containers'], true) : undefined;
  const token = isSeq(containers) ? containers.srcToken : undefined;
  const spec: unknown = isMap(pod) ? pod.get('spec', true) : undefined;
  const parent = isMap(spec) ? spec.srcToken : undefined;
  if (token?.type !== 'block-seq' || parent?.type !== 'block-map') return true;
  return token.indent > parent.indent;
}

function verified(text: string, objects: readonly unknown[], edited: readonly Edited[], lines: LineCounter) {
  const result = applyEdits(
    text,
    edited.flatMap(({ edits }) => edits),
  );
  const reparsed = parseAllDocuments(result, PARSE).map(
    (document) => valueOf(document as Document.Parsed).value,
  );
  const expected = objects.map((object, index) =>
    patchedDocument(
      object,
      edited.filter(({ target }) => target.document === index),
    ),
  );
  const wrong = new Set(
    expected.flatMap((object, index) => (isDeepStrictEqual(reparsed[index], object) ? [] : [index])),
  );
  if (wrong.size === 0 && reparsed.length === objects.length)
    return { text: result, outcomes: edited.map((each) => outcomeOf(each, lines)) };
  const safe = edited.map((each): Edited => {
    if (each.edits.length === 0 || (wrong.size > 0 && !wrong.has(each.target.document))) return each;
    const message =
      'this layout cannot be edited without changing something else; write anchors, aliases and merge keys of the pod out';
    return {
      ...each,
      edit: refused(message, lines.linePos(offsetOf(each.target.node)).line, each.edit.warnings),
      edits: [],
    };
  });
  return {
    text: applyEdits(
      text,
      safe.flatMap(({ edits }) => edits),
    ),
    outcomes: safe.map((each) => outcomeOf(each, lines)),
  };
}

function patchedDocument(object: unknown, edited: readonly Edited[]): unknown {
  const operations = edited.flatMap(({ target, edit, edits }) =>
    edit.kind === 'edit' && edits.length > 0
      ? edit.patch.map((operation) => ({ ...operation, path: pointer(...target.path) + operation.path }))
      : [],
  );
  if (operations.length === 0) return object;
  return jsonPatch.applyPatch(object, structuredClone(operations) as Operation[], false, false, false)
    .newDocument;
}

function outcomeOf({ target, edit }: Edited, lines: LineCounter): ManifestOutcome {
  const { kind, namespace, name } = target.template;
  return { kind, namespace, name, line: lines.linePos(offsetOf(target.node)).line, edit };
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
