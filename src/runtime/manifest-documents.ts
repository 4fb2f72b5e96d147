/** The YAML documents of the files that a command line names. */
import type { Readable } from 'node:stream';
import { readDocuments, splitByteOrderMark } from '../manifests/read-documents.ts';
import { TandemError } from '../support/errors.ts';
import { placeName, readManifests } from './manifest-files.ts';

export type PlacedDocument = {
  readonly value: unknown;
  /** `FILE:LINE` */
  readonly place: string;
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
    return read.documents.map(({ root, value }) => ({
      value,
      text: file.text,
      place: `${name}:${read.lines.linePos(root?.range[0] ?? 0).line}`,
    }));
  });
}
