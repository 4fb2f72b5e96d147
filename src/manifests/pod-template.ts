/** Where the pods are in a manifest, alone or in lists: in the kinds of Kubernetes itself, and in any other. */
import { asString, isObject, property, textAt } from '../support/json.ts';
import { askedWithoutPod } from '../inject/misplaced.ts';
import { listedObjects, namespaceOf } from './listed-objects.ts';

export type PodTemplate = {
  readonly kind: string;
  readonly name: string;
  /** Undefined when the manifest leaves it to the context. */
  readonly namespace: string | undefined;
  /** Keys from the manifest to the object with the pod's metadata and spec. */
  readonly path: readonly string[];
  readonly metadata: unknown;
  readonly spec: unknown;
  /** The whole object that has the pod. */
  readonly manifest: unknown;
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

// Knative creates the pods of its own revisions, and accepts no init containers in the template (Knative Serving, "Feature flags").
const NOT_TO_EDIT = /^serving\.knative\.dev\//;

/** The pod of a manifest that is to be edited; undefined if there is none, or it is in an unusual place. */
function podTemplateOf(manifest: unknown): PodTemplate | undefined {
  const kind = textAt(manifest, 'kind');
  const apiVersion = textAt(manifest, 'apiVersion');
  const known = PATHS.get(`${apiVersion}/${kind}`);
  const path = known ?? TEMPLATE;
  let pod: unknown = manifest;
  for (const key of path) pod = property(pod, key);
  if (!isObject(pod)) return undefined;
  // In other kinds: `spec.template` of a SealedSecret is not a pod.
  if (known === undefined && (NOT_TO_EDIT.test(apiVersion) || !hasContainers(pod))) return undefined;
  return { ...named(manifest, kind), path, metadata: property(pod, 'metadata'), spec: property(pod, 'spec') };
}

function named(
  manifest: unknown,
  kind: string,
): Pick<PodTemplate, 'kind' | 'name' | 'namespace' | 'manifest'> {
  const metadata = property(manifest, 'metadata');
  return {
    kind,
    name: asString(property(metadata, 'name') ?? property(metadata, 'generateName')) ?? '',
    namespace: namespaceOf(manifest),
    manifest,
  };
}

function hasContainers(pod: unknown): boolean {
  const containers = property(property(pod, 'spec'), 'containers');
  return Array.isArray(containers) && isObject(containers[0]);
}

// A template of a template of a template; a manifest can be nested as deep as its author likes.
const DEEPEST = 12;

/** Paths of the objects in a manifest that look like a pod: they have `spec.containers`. */
function podsWithin(value: unknown, path: readonly (string | number)[]): (readonly (string | number)[])[] {
  if (path.length > DEEPEST) return [];
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => podsWithin(item, [...path, index]));
  if (!isObject(value)) return [];
  if (path.length > 0 && hasContainers(value)) return [path];
  return Object.entries(value).flatMap(([key, item]) => podsWithin(item, [...path, key]));
}

/** Descriptions of resources contain pods as examples, and a review is a question from an API server: no cluster runs their pods. */
const SHOWS_PODS: ReadonlySet<string> = new Set(['CustomResourceDefinition', 'AdmissionReview']);

export type LocatedPod = {
  readonly template: PodTemplate;
  /** Keys from the document's root to the object with the pod's metadata and spec. */
  readonly path: readonly (string | number)[];
  /** A pod in a kind that is not known well enough to edit it, or, with an empty path, an object that asks for a sidecar and has no pod. */
  readonly isPassedOver: boolean;
};

/** The pods of a document: its own, or those of its items if it is a list. */
export function podsOf(document: unknown): LocatedPod[] {
  return listedObjects(document).flatMap(({ object, path }) => podsOfObject(object, path));
}

function podsOfObject(value: unknown, root: readonly (string | number)[]): LocatedPod[] {
  const kind = textAt(value, 'kind');
  const template = podTemplateOf(value);
  if (template !== undefined) return [{ template, path: [...root, ...template.path], isPassedOver: false }];
  if (PATHS.has(`${textAt(value, 'apiVersion')}/${kind}`) || SHOWS_PODS.has(kind)) return [];
  const within = podsWithin(value, []);
  const places = within.length === 0 && askedWithoutPod(value, kind) !== undefined ? [[]] : within;
  return places.map((path) => ({
    template: { ...named(value, kind), path: path.map(String), metadata: undefined, spec: undefined },
    path: [...root, ...path],
    isPassedOver: true,
  }));
}
