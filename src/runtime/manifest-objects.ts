/** The objects of a cluster as files have them. */
import { listedObjects, namespaceOf } from '../manifests/listed-objects.ts';
import { asString, isObject, property, type JsonObject } from '../support/json.ts';
import type { PlacedDocument } from './manifest-documents.ts';

type ManifestObjects = {
  readonly objects: readonly JsonObject[];
  /** A sentence for each object that is defined more than once, with all its places. */
  readonly repeated: readonly string[];
};

/**
 * Every object of the documents and of their `List`s, as JSON. An object without a namespace is in `default`, as it would be
 * for kubectl.
 */
export function manifestObjectsOf(documents: readonly PlacedDocument[]): ManifestObjects {
  const placed = documents.flatMap(({ value, place }) =>
    listedObjects(value).flatMap(({ object }) =>
      isObject(object) && !isForeign(object) ? [{ object: withNamespace(object), place }] : [],
    ),
  );
  return { objects: placed.map(({ object }) => object), repeated: repeatedIn(placed) };
}

type Placed = { readonly object: JsonObject; readonly place: string };

/** How an API server tells objects apart: group, kind, namespace and name. */
function repeatedIn(placed: readonly Placed[]): readonly string[] {
  const places = new Map<string, string[]>();
  for (const { object, place } of placed) {
    const metadata = property(object, 'metadata');
    const [kind, name] = [asString(object['kind']), asString(property(metadata, 'name'))];
    if (kind === undefined || name === undefined) continue;
    const title = `${kind} ${asString(property(metadata, 'namespace'))}/${name}`;
    const key = JSON.stringify([groupOf(object), title]);
    places.set(key, [...(places.get(key) ?? []), place]);
  }
  return [...places]
    .filter(([, found]) => found.length > 1)
    .map(([key, found]) => {
      const [, title] = JSON.parse(key) as [string, string];
      return `${title} is in ${found.join(' and ')}; only the last one counts`;
    });
}

/** The API groups of the kinds that are read. */
const GROUPS: ReadonlyMap<unknown, string> = new Map([
  ['Pod', ''],
  ['Node', ''],
  ['Service', ''],
  ['ServiceAccount', ''],
  ['Endpoints', ''],
  ['EndpointSlice', 'discovery.k8s.io'],
  ['Ingress', 'networking.k8s.io'],
]);

/** Of another API group, such as the Service of Knative (serving.knative.dev): another kind with the same name. */
function isForeign(object: JsonObject): boolean {
  const expected = GROUPS.get(object['kind']);
  return (
    expected !== undefined && asString(object['apiVersion']) !== undefined && groupOf(object) !== expected
  );
}

function groupOf(object: JsonObject): string {
  return (asString(object['apiVersion']) ?? '').split('/').slice(0, -1).join('/');
}

function withNamespace(object: JsonObject): JsonObject {
  const { metadata } = object;
  const namespace = namespaceOf(object) ?? 'default';
  return { ...object, metadata: { ...(isObject(metadata) ? metadata : {}), namespace } };
}
