/** The objects of a cluster as files have them. */
import type { Readable } from 'node:stream';
import { readDocuments } from '../manifests/read-documents.ts';
import { TandemError } from '../support/errors.ts';
import { asString, isObject, property, type JsonObject } from '../support/json.ts';
import { readManifests } from './manifest-files.ts';

export type ManifestObjects = {
  readonly objects: readonly JsonObject[];
  /** A sentence for each object that is there more than once, with the places of all. */
  readonly repeated: readonly string[];
};

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
): Promise<ManifestObjects> {
  const files = await readManifests(operands, stdin);
  const placed = files.flatMap(({ path, text }) => {
    const name = path === '-' ? '<stdin>' : path;
    const read = readDocuments(text);
    if (!read.ok) {
      const place = `${name}:${read.line}:${read.column}`;
      throw new TandemError('TANDEM_FILE_UNREADABLE', `${place}: ${read.message}`);
    }
    return read.documents.flatMap(({ root, value }) => {
      const place = `${name}:${read.lines.linePos(root?.range[0] ?? 0).line}`;
      return flatten(value).map((object) => ({ object, place }));
    });
  });
  return { objects: placed.map(({ object }) => object), repeated: repeatedIn(placed) };
}

type Placed = { readonly object: JsonObject; readonly place: string };

/** By what an API server tells objects apart by: group, kind, namespace and name. */
function repeatedIn(placed: readonly Placed[]): readonly string[] {
  const places = new Map<string, string[]>();
  for (const { object, place } of placed) {
    const metadata = property(object, 'metadata');
    const [kind, name] = [asString(object['kind']), asString(property(metadata, 'name'))];
    if (kind === undefined || name === undefined) continue;
    const group = (asString(object['apiVersion']) ?? '').split('/').slice(0, -1).join('');
    const title = `${kind} ${asString(property(metadata, 'namespace'))}/${name}`;
    const key = JSON.stringify([group, title]);
    places.set(key, [...(places.get(key) ?? []), place]);
  }
  return [...places]
    .filter(([, found]) => found.length > 1)
    .map(([key, found]) => {
      const [, title] = JSON.parse(key) as [string, string];
      return `${title} is in ${found.join(' and ')}; only the last one counts`;
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
