/** A custom resource as Kubernetes has it. Reading is total: what is not well-formed is absent. */
import {
  asObject,
  asString,
  elementsAt,
  numberAt,
  property,
  textAt,
  textPairs,
  type JsonObject,
} from '../../support/json.ts';
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

/** Gives the entry a name that Kubernetes does not allow. */
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
  return {
    kind,
    name,
    namespace: textAt(metadata, 'namespace'),
    uid: textAt(metadata, 'uid'),
    resourceVersion: textAt(metadata, 'resourceVersion'),
    generation: numberAt(metadata, 'generation'),
    creationTimestamp: textAt(metadata, 'creationTimestamp'),
    deletionTimestamp: asString(property(metadata, 'deletionTimestamp')),
    annotations: new Map(textPairs(property(metadata, 'annotations'))),
    finalizers: elementsAt(metadata, 'finalizers').filter((each) => typeof each === 'string'),
    spec: asObject(property(raw, 'spec')),
    status: asObject(property(raw, 'status')),
  };
}

/** consul-k8s sets it on every object, and only its controller takes it away. */
export const CONSUL_K8S_FINALIZER = 'finalizers.consul.hashicorp.com';

/** Its author deleted it, but its finalizer remains: the controller that would remove it is gone. */
export function isLeftover({ deletionTimestamp, finalizers }: EntryObject): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(CONSUL_K8S_FINALIZER);
}
