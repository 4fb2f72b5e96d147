/** A custom resource as Kubernetes has it. Reading is total: what is not well-formed is absent. */
import { asString, isObject, property, type JsonObject } from '../../support/json.ts';
import { OWN_PREFIX } from '../../model/kubernetes-names.ts';

export type EntryObject = {
  readonly kind: string;
  /** Empty where a manifest leaves it to the context. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** 0 in a manifest. */
  readonly generation: number;
  /** RFC 3339 in UTC, so that texts compare as moments; empty in a manifest. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp: string | undefined;
  readonly annotations: ReadonlyMap<string, string>;
  readonly finalizers: readonly string[];
  /** As its author wrote it: nothing about its types is known. */
  readonly spec: JsonObject;
  /** As the API server returned it last. */
  readonly status: JsonObject;
};

/** Gives the entry a name that Kubernetes cannot spell. */
export const ENTRY_NAME_ANNOTATION = `${OWN_PREFIX}entry-name`;

/**
 * @param raw the JSON of a list, a watch, an admission, or a manifest
 * @param kind where the JSON does not say it: items of a list have none
 * @returns undefined for what has no name
 */
export function readEntryObject(
  raw: unknown,
  kind = asString(property(raw, 'kind')),
): EntryObject | undefined {
  const metadata = property(raw, 'metadata');
  const name = asString(property(metadata, 'name'));
  if (kind === undefined || name === undefined || name === '') return undefined;
  const generation = property(metadata, 'generation');
  const finalizers = property(metadata, 'finalizers');
  return {
    kind,
    name,
    namespace: asString(property(metadata, 'namespace')) ?? '',
    uid: asString(property(metadata, 'uid')) ?? '',
    resourceVersion: asString(property(metadata, 'resourceVersion')) ?? '',
    generation: typeof generation === 'number' ? generation : 0,
    creationTimestamp: asString(property(metadata, 'creationTimestamp')) ?? '',
    deletionTimestamp: asString(property(metadata, 'deletionTimestamp')),
    annotations: readTexts(property(metadata, 'annotations')),
    finalizers: Array.isArray(finalizers)
      ? finalizers.filter((each): each is string => typeof each === 'string')
      : [],
    spec: objectOf(property(raw, 'spec')),
    status: objectOf(property(raw, 'status')),
  };
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function readTexts(value: unknown): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(objectOf(value)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
