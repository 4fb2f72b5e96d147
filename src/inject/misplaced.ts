/** Annotations of pods in places where no pod gets them: on the workload, among labels, beside the metadata. */
import {
  ANNOTATION_PREFIX,
  META_PREFIX,
  REDIRECT_STATUS,
  SERVICE_IGNORE_LABEL,
} from '../model/kubernetes-names.ts';
import { isObject, property, type JsonObject } from '../support/json.ts';
import { quote } from '../support/text.ts';
import { annotationName, annotations, leftByInjection, ofServices } from './annotations.ts';
import type { Warning } from './result.ts';

/** Names that are written on pods and on objects of other kinds, or are for Services. */
function isForPods(key: string): boolean {
  const name = annotationName(key);
  if (name === undefined || leftByInjection.has(key)) return false;
  return name !== 'connect-inject-status' && key !== REDIRECT_STATUS && !ofServices.includes(name);
}

/** By its exact name: other labels may be meant as they are. */
function isKnown(key: string): boolean {
  const name = annotationName(key) ?? '';
  return isForPods(key) && (name.startsWith(META_PREFIX) || Object.hasOwn(annotations, name));
}

// As deep as pods are looked for; a manifest can be nested as deep as its author likes.
const DEEPEST = 12;
/** Whether a key is one of our annotations, by the map that holds it. */
const HOLDERS: ReadonlyMap<string, (key: string) => boolean> = new Map([
  ['annotations', isForPods],
  ['labels', isKnown],
  ['metadata', isKnown],
]);

/**
 * A warning for each of our annotations in a manifest that its pods do not get and do not have. Labels of the pods
 * themselves are left to the engine: the webhook sees them, too.
 *
 * @param path keys from the manifest to its pod
 */
export function misplacedAnnotations(manifest: unknown, path: readonly string[]): readonly Warning[] {
  const right = [...path, 'metadata', 'annotations'];
  let had: unknown = manifest;
  for (const key of right) had = Array.isArray(had) ? had[Number(key)] : property(had, key);
  const labels = [...path, 'metadata', 'labels'].join('.');
  return placesOf(manifest, [])
    .filter(({ at, name }) => at !== right.join('.') && at !== labels && property(had, name) === undefined)
    .map(({ at, name }) => ({
      reason: 'wrong-place',
      at,
      message: `${quote(name)} is ${at === 'metadata.annotations' ? 'on the workload' : 'in this place'}, and its pods do not get it; put it under ${right.join('.')}`,
    }));
}

type Place = { readonly at: string; readonly name: string };

function placesOf(value: unknown, path: readonly string[]): Place[] {
  if (path.length > DEEPEST) return [];
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => placesOf(item, [...path, `${index}`]));
  if (!isObject(value)) return [];
  const isOurs = HOLDERS.get(path.at(-1) ?? '') ?? (() => false);
  return Object.entries(value).flatMap(([key, item]) =>
    isOurs(key) ? [{ at: path.join('.'), name: key }] : placesOf(item, [...path, key]),
  );
}

// A stranger decides how many there are.
const LABELS_NAMED = 20;

/** A warning for each of our annotations that is a label of the pod: a Namespace opts in by a label, a pod does not. */
export function labelsInstead(metadata: unknown): readonly Warning[] {
  const labels = property(metadata, 'labels');
  if (!isObject(labels)) return [];
  return Object.keys(labels)
    .filter((key) => isKnown(key) && property(property(metadata, 'annotations'), key) === undefined)
    .slice(0, LABELS_NAMED)
    .map((key) => ({
      reason: 'wrong-place',
      at: 'metadata.labels',
      message: `${quote(key)} is a label here and does nothing; put it under metadata.annotations`,
    }));
}

// consul-k8s, control-plane/connect-inject/constants/annotations_and_labels.go: LabelServiceIgnore, LabelTelemetryCollector.
const LABELS_OF_CONSUL_K8S = [SERVICE_IGNORE_LABEL, `${ANNOTATION_PREFIX}telemetry-collector`];

/** Labels that do nothing on a pod: one is for Services, and the other only consul-k8s reads. */
export function labelsOfConsulK8s(labels: JsonObject): readonly Warning[] {
  return LABELS_OF_CONSUL_K8S.filter((key) => property(labels, key) !== undefined).map((key) => ({
    reason: 'no-effect',
    at: 'metadata.labels',
    message: `${quote(key)} is a label of consul-k8s and does nothing here`,
  }));
}

/** Undefined for an object that asks for no sidecar. */
export function askedWithoutPod(manifest: unknown, kind: string): Warning | undefined {
  const metadata = property(manifest, 'metadata');
  const key = `${ANNOTATION_PREFIX}connect-inject`;
  if (property(property(metadata, 'annotations'), key) === undefined) return undefined;
  const way =
    kind === 'Namespace'
      ? 'a Namespace opts in by a label of that name'
      : 'put it where the annotations of its pods are, in their pod template';
  return {
    reason: 'wrong-place',
    at: 'metadata.annotations',
    message: `${quote(key)} is on ${kind === '' ? 'an object' : `a ${kind}`} without a pod; ${way}`,
  };
}
