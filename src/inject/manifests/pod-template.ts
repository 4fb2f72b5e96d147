/** Where the pods are in a manifest: the kinds that Kubernetes itself makes pods from, alone or in lists. */
import { asString, isObject, property } from '../../support/json.ts';

export type PodTemplate = {
  readonly kind: string;
  readonly name: string;
  /** Undefined when the manifest leaves it to the context. */
  readonly namespace: string | undefined;
  /** Keys from the manifest to the object with the pod's metadata and spec. */
  readonly path: readonly string[];
  readonly metadata: unknown;
  readonly spec: unknown;
};

const TEMPLATE = ['spec', 'template'];

/** `<apiVersion>/<kind>` → path of the pod. */
const PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['v1/Pod', []],
  ['v1/PodTemplate', ['template']],
  ['v1/ReplicationController', TEMPLATE],
  ['apps/v1/Deployment', TEMPLATE],
  ['apps/v1/ReplicaSet', TEMPLATE],
  ['apps/v1/StatefulSet', TEMPLATE],
  ['apps/v1/DaemonSet', TEMPLATE],
  ['batch/v1/Job', TEMPLATE],
  ['batch/v1/CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
]);

/** The pod of a manifest; undefined for every other kind, and for a workload without a template. */
export function podTemplateOf(manifest: unknown): PodTemplate | undefined {
  const kind = asString(property(manifest, 'kind')) ?? '';
  const path = PATHS.get(`${asString(property(manifest, 'apiVersion')) ?? ''}/${kind}`);
  if (path === undefined) return undefined;
  let pod: unknown = manifest;
  for (const key of path) pod = property(pod, key);
  if (!isObject(pod)) return undefined;
  const metadata = property(manifest, 'metadata');
  return {
    kind,
    name: asString(property(metadata, 'name') ?? property(metadata, 'generateName')) ?? '',
    namespace: asString(property(metadata, 'namespace')),
    path,
    metadata: property(pod, 'metadata'),
    spec: property(pod, 'spec'),
  };
}

export type LocatedPod = {
  readonly template: PodTemplate;
  /** Keys from the document's root to the object with the pod's metadata and spec. */
  readonly path: readonly (string | number)[];
};

/** The pods of a document: its own, or those of its items where it is a `List`, a `PodList`, or lists in a list. */
export function podsOf(value: unknown, root: readonly (string | number)[] = []): LocatedPod[] {
  const kind = asString(property(value, 'kind')) ?? '';
  const items = property(value, 'items');
  if (kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item: unknown, index) =>
      podsOf(withKind(item, value, kind), [...root, 'items', index]),
    );
  const template = podTemplateOf(value);
  return template === undefined ? [] : [{ template, path: [...root, ...template.path] }];
}

/** An API server leaves kind and apiVersion of the items of a `PodList` out. */
function withKind(item: unknown, list: unknown, listKind: string): unknown {
  if (listKind === 'List' || !isObject(item) || property(item, 'kind') !== undefined) return item;
  return { ...item, apiVersion: property(list, 'apiVersion'), kind: listKind.slice(0, -'List'.length) };
}
