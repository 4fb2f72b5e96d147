/** The YAML documents of the files that a command line names. */
import type { Readable } from 'node:stream';
import { isMap, isNode, isScalar, isSeq } from 'yaml';
import { readDocuments, splitByteOrderMark, type ManifestDocument } from '../manifests/read-documents.ts';
import { TandemError } from '../support/errors.ts';
import { placeName, readManifests } from './manifest-files.ts';

export type PlacedDocument = {
  readonly value: unknown;
  /** `FILE:LINE` */
  readonly place: string;
  /** `FILE:LINE` of what these keys lead to, or of the last one of them that is there. */
  readonly placeOf: (keys: readonly (string | number)[]) => string;
  /** The whole file. */
  readonly text: string;
};

/**
 * @param operands files, folders, or `-`
 * @throws TandemError TANDEM_FILE_UNREADABLE, with file, line and column of what is not YAML
 */
export async function readManifestDocuments(
  operands: readonly string[],
  stdin: Readable,
): Promise<readonly PlacedDocument[]> {
  const files = await readManifests(operands, stdin);
  return files.flatMap((file) => {
    const name = placeName(file);
    const read = readDocuments(splitByteOrderMark(file.text).rest);
    if (!read.ok) {
      const place = `${name}:${read.line}:${read.column}`;
      throw new TandemError('TANDEM_FILE_UNREADABLE', `${place}: ${read.message}`);
    }
    const lineAt = (offset: number): string => `${name}:${read.lines.linePos(offset).line}`;
    return read.documents.map((document) => ({
      value: document.value,
      text: file.text,
      place: lineAt(document.root?.range[0] ?? 0),
      placeOf: (keys) => lineAt(offsetOf(document, keys)),
    }));
  });
}

function offsetOf({ root, syntax }: ManifestDocument, keys: readonly (string | number)[]): number {
  for (let length = keys.length; length > 0; length -= 1) {
    const parent = length === 1 ? root : syntax.getIn(keys.slice(0, length - 1), true);
    const offset = offsetWithin(parent, keys[length - 1]);
    if (offset !== undefined) return offset;
  }
  return root?.range[0] ?? 0;
}

/** Of the key in a map, of the element in a list. */
function offsetWithin(parent: unknown, key: string | number | undefined): number | undefined {
  const items: readonly unknown[] = isMap(parent)
    ? parent.items.map((pair) => pair.key).filter((each) => isScalar(each) && each.value === key)
    : isSeq(parent) && typeof key === 'number'
      ? parent.items.slice(key, key + 1)
      : [];
  const [found] = items;
  return isNode(found) ? found.range?.[0] : undefined;
}
