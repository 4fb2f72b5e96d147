/**
 * Manifests in, manifests out: the pods of a text are edited in place, and nothing else changes by a byte. What
 * was edited is parsed again and compared with the patched objects; if that fails, the document stays as it was.
 */
import type { LineCounter, Node } from 'yaml';
import { askedWithoutPod, misplacedAnnotations } from '../inject/misplaced.ts';
import type { EditedPod, TemplateEdit } from './edited-pod.ts';
import { nodeAt, patchYaml } from './patch-yaml.ts';
import { podsOf, type LocatedPod, type PodTemplate } from './pod-template.ts';
import { readDocuments, splitByteOrderMark, type ManifestDocument } from './read-documents.ts';
import { applyEdits } from './text-edit.ts';
import { styleOf } from './text-style.ts';
import { UnsupportedLayout } from './unsupported.ts';
import { differingDocuments, whyDifferent } from './verify-edits.ts';

/** What happened to one pod. */
export type ManifestOutcome = {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Counted from 1. */
  readonly line: number;
  readonly edit: TemplateEdit;
};

export type EditedManifests =
  | { readonly ok: true; readonly text: string; readonly outcomes: readonly ManifestOutcome[] }
  /** Line and column counted from 1. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

/** @param edit is called for every pod of the text, in order */
export function editManifests(text: string, edit: (template: PodTemplate) => TemplateEdit): EditedManifests {
  const { mark, rest } = splitByteOrderMark(text);
  const edited = editText(rest, edit);
  return edited.ok ? { ...edited, text: mark + edited.text } : edited;
}

function editText(text: string, edit: (template: PodTemplate) => TemplateEdit): EditedManifests {
  const read = readDocuments(text);
  if (!read.ok) return read;
  const { documents, lines } = read;
  const pods = documents.flatMap((document) =>
    podsOf(document.value).map((pod) =>
      editPod(text, document, pod, pod.isPassedOver ? passedOver(pod) : edit(pod.template), lines),
    ),
  );
  const safe = withoutUnsafe(text, documents, pods, lines);
  return {
    ok: true,
    text: editedText(text, safe),
    outcomes: safe.map(({ pod, offset, edit: result }) => {
      const { kind, namespace, name } = pod.template;
      return { kind, namespace, name, line: lines.linePos(offset).line, edit: result };
    }),
  };
}

/** Reported, because a pod that is not in the mesh although its author asked for it looks like any other. */
function passedOver({ template: { kind, path, manifest } }: LocatedPod): TemplateEdit {
  const asked = path.length === 0 ? askedWithoutPod(manifest, kind) : undefined;
  if (asked !== undefined) return { kind: 'skip', reason: 'no-pod', warnings: [asked] };
  const message = `${kind} has a pod here, but pods of this kind are not edited in files; the webhook injects them when they are created`;
  return {
    kind: 'skip',
    reason: 'kind-not-edited',
    warnings: [
      { reason: 'kind-not-edited', at: path.join('.'), message },
      ...misplacedAnnotations(manifest, path),
    ],
  };
}

function editPod(
  text: string,
  document: ManifestDocument,
  pod: LocatedPod,
  edit: TemplateEdit,
  lines: LineCounter,
): EditedPod {
  const root = document.root;
  let node: Node | undefined;
  try {
    node = nodeAt(root, pod.path);
    const edits =
      edit.kind === 'edit'
        ? patchYaml(text, node, edit.patch, pod.path.length, styleOf(text, root, node))
        : [];
    return { document, pod, offset: offsetOf(node), edit, edits };
  } catch (error) {
    if (!(error instanceof UnsupportedLayout)) throw error;
    const offset = offsetOf(node ?? root);
    // What is not edited may have any layout.
    if (edit.kind !== 'edit') return { document, pod, offset, edit, edits: [] };
    const { line } = lines.linePos(error.offset ?? offset);
    return { document, pod, offset, edit: refused(error.message, line, edit), edits: [] };
  }
}

function withoutUnsafe(
  text: string,
  documents: readonly ManifestDocument[],
  pods: readonly EditedPod[],
  lines: LineCounter,
): readonly EditedPod[] {
  if (pods.every(({ edits }) => edits.length === 0)) return pods;
  const differing = differingDocuments(editedText(text, pods), documents, pods);
  return pods.map((pod): EditedPod => {
    if (!differing.has(pod.document) || pod.edits.length === 0) return pod;
    const { message, offset } = whyDifferent(text, pod.document, pod.edits, lines);
    const { line } = lines.linePos(offset ?? pod.offset);
    return { ...pod, edit: refused(message, line, pod.edit), edits: [] };
  });
}

function editedText(text: string, pods: readonly EditedPod[]): string {
  return applyEdits(
    text,
    pods.flatMap(({ edits }) => edits),
  );
}

function refused(message: string, line: number, { warnings }: TemplateEdit): TemplateEdit {
  return { kind: 'invalid', problems: [{ at: `line ${line}`, message }], warnings };
}

function offsetOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}
