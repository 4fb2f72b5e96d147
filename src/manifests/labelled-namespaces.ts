/** The Namespaces in manifests beside the pods in them. */
import { namespaceDefaults } from '../inject/namespace-labels.ts';
import type { NamespaceDefaults } from '../inject/settings.ts';
import { asString, property } from '../support/json.ts';
import { listedObjects } from './listed-objects.ts';
import { readDocuments, splitByteOrderMark } from './read-documents.ts';

/**
 * By name. If two have the same name, the last one counts, as with `kubectl apply`. A text that cannot be read is left out here: its
 * errors are reported when its pods are edited.
 */
export function labelledNamespaces(texts: readonly string[]): ReadonlyMap<string, NamespaceDefaults> {
  const found = new Map<string, NamespaceDefaults>();
  // Each text is parsed once more when its pods are edited, and few have Namespaces.
  for (const text of texts.filter((each) => each.includes('Namespace'))) {
    const read = readDocuments(splitByteOrderMark(text).rest);
    const objects = read.ok ? read.documents.flatMap(({ value }) => listedObjects(value)) : [];
    for (const { object } of objects) {
      const name = asString(property(property(object, 'metadata'), 'name'));
      const isNamespace = property(object, 'apiVersion') === 'v1' && property(object, 'kind') === 'Namespace';
      if (isNamespace && name !== undefined) found.set(name, namespaceDefaults(object));
    }
  }
  return found;
}
