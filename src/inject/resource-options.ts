/**
 * Requests and limits of the containers that are added. The annotations of the sidecar apply to its init container, too, so
 * that a pod whose containers all have requests and limits keeps that property: for a ResourceQuota, and for the class Guaranteed.
 */
import { property, type JsonObject } from '../support/json.ts';
import { keptBy } from '../support/kept.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { longRunning, type Container, type Pod } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import {
  resourceKinds,
  type InjectSettings,
  type ResourceKind,
  type Resources,
  type Size,
} from './settings.ts';

export type ContainerResources = {
  readonly sidecar: Resources;
  /** Of the init containers: to register in agent mode, and to redirect. */
  readonly init: Resources;
};

export function readResources(
  pod: Pod,
  reader: AnnotationReader,
  settings: InjectSettings,
  { sidecars, hasInit }: { readonly sidecars: number; readonly hasInit: boolean },
): ContainerResources {
  const shared = resourceKinds.filter((kind) => isSizedAsPod(pod, kind));
  if (shared.length > 0)
    reader.fieldWarn(
      'pod-level-resources',
      'spec.resources',
      `the sidecar shares the ${shared.join(' and ')} of the pod; size the pod for both, or set the sidecar's own with ${ANNOTATION_PREFIX}sidecar-proxy-*`,
    );
  // Most pods set none, and get the operator's, which were checked at the start.
  const isPlain = shared.length === 0 && !ANNOTATIONS.some(reader.has);
  const read = (): ContainerResources => readSizes(pod, reader, settings, sidecars);
  const resources = isPlain ? keep(settings, '', read) : read();
  warnOfClass(pod, reader, hasInit ? [resources.sidecar, resources.init] : [resources.sidecar]);
  return resources;
}

const ANNOTATIONS = resourceKinds.flatMap(
  (kind) => [`sidecar-proxy-${kind}-request`, `sidecar-proxy-${kind}-limit`] as const,
);

const keep = keptBy<ContainerResources>();

function readSizes(
  pod: Pod,
  reader: AnnotationReader,
  settings: InjectSettings,
  sidecars: number,
): ContainerResources {
  const sizesOf = (kind: ResourceKind): Sizes => readSize(kind, pod, reader, settings, sidecars);
  const [cpu, memory] = [sizesOf('cpu'), sizesOf('memory')];
  return {
    sidecar: { cpu: cpu.sidecar, memory: memory.sidecar },
    init: { cpu: cpu.init, memory: memory.init },
  };
}

const NO_SIZE: Size = { request: undefined, limit: undefined };

type Sizes = Readonly<Record<keyof ContainerResources, Size>>;

function readSize(
  kind: ResourceKind,
  pod: Pod,
  reader: AnnotationReader,
  settings: InjectSettings,
  sidecars: number,
): Sizes {
  const isShared = isSizedAsPod(pod, kind);
  const defaults = isShared ? NO_SIZE : settings.sidecarResources[kind];
  const name = `sidecar-proxy-${kind}` as const;
  const annotated = {
    request: reader.quantity(`${name}-request`, undefined),
    limit: reader.quantity(`${name}-limit`, undefined),
  };
  const sidecar = {
    request: annotated.request ?? defaults.request,
    limit: annotated.limit ?? defaults.limit,
  };
  if (isAbove(sidecar.request, sidecar.limit))
    reader.problem(
      `${name}-request`,
      `the request ${quote(sidecar.request ?? '')} is above the limit ${quote(sidecar.limit ?? '')} (${ANNOTATION_PREFIX}${name}-limit, or its default)`,
    );
  else if (isShared) checkShare(kind, sidecar, sidecars, pod, reader);
  const init = initSize(annotated, isShared ? NO_SIZE : settings.initResources[kind]);
  return { sidecar, init };
}

/** The operator's values fill in for missing annotations, and give way where the two do not fit together. */
function initSize(annotated: Size, defaults: Size): Size {
  const { request = defaults.request, limit = defaults.limit } = annotated;
  if (!isAbove(request, limit)) return { request, limit };
  return annotated.limit === undefined ? { request, limit: request } : { request: limit, limit };
}

/** Kubernetes 1.34: requests and limits of the pod as a whole, in which containers without their own take their share. */
function isSizedAsPod({ resources }: Pod, kind: ResourceKind): boolean {
  return sizeOf(resources.requests, kind) !== undefined || sizeOf(resources.limits, kind) !== undefined;
}

/** As k8s.io/kubernetes validates it: pkg/apis/core/validation, validatePodResourceConsistency. */
function checkShare(
  kind: ResourceKind,
  sidecar: Size,
  sidecars: number,
  pod: Pod,
  reader: AnnotationReader,
): void {
  const name = `sidecar-proxy-${kind}` as const;
  const podLimit = sizeOf(pod.resources.limits, kind);
  const podRequest = sizeOf(pod.resources.requests, kind) ?? podLimit;
  const limit = parsed(sidecar.limit);
  const request = parsed(sidecar.request) ?? limit;
  if (limit !== undefined && podLimit !== undefined && exceeds(limit, podLimit))
    reader.problem(
      `${name}-limit`,
      `${quote(sidecar.limit ?? '')} is above the limit of the pod, spec.resources.limits.${kind}`,
    );
  if (request === undefined || podRequest === undefined) return;
  const authors = longRunning(pod).reduce((sum, container) => sum + (requestOf(container, kind) ?? 0), 0);
  if (exceeds(authors + request * sidecars, podRequest))
    reader.problem(
      `${name}-${sidecar.request === undefined ? 'limit' : 'request'}`,
      `with ${quote(sidecar.request ?? sidecar.limit ?? '')} for ${sidecars === 1 ? 'the' : 'each'} sidecar the containers request more than the pod does, spec.resources.requests.${kind}`,
    );
}

function requestOf({ resources }: Container, kind: ResourceKind): number | undefined {
  return sizeOf(resources.requests, kind) ?? sizeOf(resources.limits, kind);
}

/**
 * Guaranteed: every container has a limit of both kinds, and equal requests (Kubernetes, "Pod Quality of Service
 * Classes"). Nothing that is added should silently take that from a pod.
 */
function warnOfClass(pod: Pod, reader: AnnotationReader, added: readonly Resources[]): void {
  if (resourceKinds.some((kind) => isSizedAsPod(pod, kind))) return;
  const authors = [...pod.containers, ...pod.initContainers];
  if (!authors.every((container) => resourceKinds.every((kind) => isGuaranteed(container, kind)))) return;
  const isKept = added.every((resources) =>
    resourceKinds.every((kind) => {
      const { request, limit } = resources[kind];
      const number = parsed(limit) ?? 0;
      return number > 0 && (parsed(request) ?? number) === number;
    }),
  );
  if (!isKept)
    reader.warn(
      'qos-class',
      'sidecar-proxy-cpu-limit',
      `the pod is Guaranteed without the sidecar and Burstable with it; set ${ANNOTATION_PREFIX}sidecar-proxy-cpu-request and -cpu-limit, -memory-request and -memory-limit, each pair to one value`,
    );
}

function isGuaranteed({ resources }: Container, kind: ResourceKind): boolean {
  const limit = sizeOf(resources.limits, kind) ?? 0;
  return limit > 0 && (sizeOf(resources.requests, kind) ?? limit) === limit;
}

/** A manifest may hold a number; the API server turns it into a text. */
function sizeOf(sizes: JsonObject, kind: ResourceKind): number | undefined {
  const value = property(sizes, kind);
  return typeof value === 'string' || typeof value === 'number' ? parsed(String(value)) : undefined;
}

function parsed(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseQuantity(text);
}

function isAbove(request: string | undefined, limit: string | undefined): boolean {
  return request !== undefined && limit !== undefined && (parsed(request) ?? 0) > (parsed(limit) ?? 0);
}

// Sums of decimal fractions are not exact; a byte in a terabyte is far below what anybody writes.
const TOLERANCE = 1 + 1e-12;

function exceeds(sum: number, limit: number): boolean {
  return sum > limit * TOLERANCE;
}
