/** Where the pod is in a manifest: the kinds that Kubernetes itself makes pods from. */
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
