/** The oracle: the meaning of an edited text must be exactly what the operations make of its objects. */
import { isDeepStrictEqual } from 'node:util';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { visit, type LineCounter, type Node } from 'yaml';
import { pointer } from '../support/json-patch.ts';
import type { EditedPod } from './edited-pod.ts';
import { readDocuments, type ManifestDocument } from './read-documents.ts';
import type { TextEdit } from './text-edit.ts';

/** Documents whose edits do something unintended; all of them if the documents themselves changed. */
export function differingDocuments(
  after: string,
  documents: readonly ManifestDocument[],
  pods: readonly EditedPod[],
): ReadonlySet<ManifestDocument> {
  const read = readDocuments(after);
  if (!read.ok || read.documents.length !== documents.length) return new Set(documents);
  const byDocument = Map.groupBy(pods, ({ document }) => document);
  return new Set(
    documents.filter((document, index) => {
      const expected = patched(document.value, byDocument.get(document) ?? []);
      return !isDeepStrictEqual(read.documents[index]?.value, expected);
    }),
  );
}

function patched(value: unknown, pods: readonly EditedPod[]): unknown {
  const operations = pods.flatMap(({ pod, edit, edits }) =>
    edit.kind === 'edit' && edits.length > 0
      ? edit.patch.map((operation) => ({ ...operation, path: pointer(...pod.path) + operation.path }))
      : [],
  );
  if (operations.length === 0) return value;
  // A key `__proto__` is data here: the guard against it is for patches of untrusted origin.
  return jsonPatch.applyPatch(unshared(value), unshared(operations) as Operation[], false, true, false)
    .newDocument;
}

/** A copy in which an alias is an object of its own, as it is for Kubernetes; JSON would lose -0 and .nan. */
function unshared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unshared);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, content]) => [key, unshared(content)]));
}

/** Why the edits of a pod would do more than intended: most likely an anchor that is used a second time. */
export function whyDifferent(
  text: string,
  { syntax }: ManifestDocument,
  edits: readonly TextEdit[],
  lines: LineCounter,
): { readonly message: string; readonly offset: number | undefined } {
  let found: { readonly message: string; readonly offset: number | undefined } | undefined;
  visit(syntax, {
    Alias: (_key, alias) => {
      const node = alias.resolve(syntax);
      if (node === undefined || !edits.some(({ start }) => isInside(node, start))) return undefined;
      const line = lines.linePos(alias.range?.[0] ?? 0).line;
      const message = `the anchor &${alias.source} is used again as *${alias.source} on line ${line}, which would change as well; write it out there`;
      // The anchor is before the node, often on the line of its key.
      found = { message, offset: text.lastIndexOf(`&${alias.source}`, node.range?.[0]) };
      return visit.BREAK;
    },
  });
  return (
    found ?? {
      message:
        'this layout cannot be edited without changing something else; write the pod in plain block style',
      offset: undefined,
    }
  );
}

function isInside({ range }: Node, offset: number): boolean {
  return range !== undefined && range !== null && range[0] <= offset && offset <= range[2];
}
