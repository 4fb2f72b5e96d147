/** The objects of a cluster as files have them. */
import type { Readable } from 'node:stream';
import { readDocuments } from '../inject/manifests/read-documents.ts';
import { TandemError } from '../support/errors.ts';
import { asString, isObject, property, type JsonObject } from '../support/json.ts';
import { readManifests } from './manifest-files.ts';

/**
 * Every object of the documents and of their `List`s, as JSON. An object without a namespace is in `default`, as it would be
 * for kubectl.
 *
 * @param operands files, folders, or `-`
 * @throws TandemError TANDEM_FILE_UNREADABLE, with file, line and column of what is no YAML
 */
export async function readManifestObjects(
  operands: readonly string[],
  stdin: Readable,
): Promise<readonly JsonObject[]> {
  const files = await readManifests(operands, stdin);
  return files.flatMap(({ path, text }) => {
    const read = readDocuments(text);
    if (!read.ok) {
      const place = `${path}:${read.line}:${read.column}`;
      throw new TandemError('TANDEM_FILE_UNREADABLE', `${place}: ${read.message}`);
    }
    return read.documents.flatMap(({ value }) => flatten(value));
  });
}

function flatten(value: unknown): readonly JsonObject[] {
  if (!isObject(value)) return [];
  const items = property(value, 'items');
  if (Array.isArray(items) && (asString(property(value, 'kind')) ?? '').endsWith('List')) {
    return items.flatMap(flatten);
  }
  const metadata = property(value, 'metadata');
  const namespace = asString(property(metadata, 'namespace')) ?? 'default';
  return [{ ...value, metadata: { ...(isObject(metadata) ? metadata : {}), namespace } }];
}
