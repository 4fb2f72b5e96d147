/** The objects of a document: the document itself, or the items of a `List`, a `PodList`, or nested lists. */
import { asString, isObject, property, textAt } from '../support/json.ts';

type ListedObject = {
  readonly object: unknown;
  /** Keys from the document's root to the object. */
  readonly path: readonly (string | number)[];
};

export function listedObjects(value: unknown, path: ListedObject['path'] = []): ListedObject[] {
  const kind = textAt(value, 'kind');
  const items = property(value, 'items');
  if (!kind.endsWith('List') || !Array.isArray(items)) return [{ object: value, path }];
  return items.flatMap((item: unknown, index) =>
    listedObjects(withKind(item, value, kind), [...path, 'items', index]),
  );
}

/** An API server leaves kind and apiVersion of the items of a `PodList` out. */
function withKind(item: unknown, list: unknown, listKind: string): unknown {
  if (listKind === 'List' || !isObject(item) || property(item, 'kind') !== undefined) return item;
  return { ...item, apiVersion: property(list, 'apiVersion'), kind: listKind.slice(0, -'List'.length) };
}

/** Undefined when the manifest leaves it to the context, as kubectl reads an empty one, too. */
export function namespaceOf(object: unknown): string | undefined {
  const namespace = asString(property(property(object, 'metadata'), 'namespace'));
  return namespace === '' ? undefined : namespace;
}
