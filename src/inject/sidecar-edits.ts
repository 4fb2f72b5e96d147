/**
 * Everything that injection changes in a pod. The number of edits follows what is added, never the size of the pod; nothing
 * that the author wrote is replaced, except null parents and an annotation or label of Tandem's own.
 */
import {
  ANNOTATION_PREFIX,
  DEFAULT_CONTAINER_ANNOTATION,
  INJECTED,
  RECORD_ANNOTATION,
  STATUS,
} from '../model/kubernetes-names.ts';
import type { JsonObject } from '../support/json.ts';
import type { SidecarPlan } from './sidecar-plan.ts';
import { drainGrowth } from './drain.ts';
import { DATA_PATH, DATA_VOLUME } from './names.ts';
import type { MeshPod } from './mesh-pod.ts';
import type { Container, Pod } from './pod.ts';
import {
  append,
  create,
  entries,
  makingOf,
  prepend,
  valueOf,
  type Growth,
  type PodEdit,
} from './pod-edit.ts';
import { recordOf, type AuthorGrowth, type MetadataGrowth, type SpecGrowth } from './record.ts';
import type { Variable } from './variables.ts';

/** @param warnings for the record, which names itself too: its key is there before it is written */
export function editsOf(
  pod: Pod,
  mesh: MeshPod,
  plan: SidecarPlan,
  version: string,
  warnings: readonly string[],
): PodEdit[] {
  const spec = specGrowth(pod, mesh, plan);
  const annotations = new Map([
    ...writtenAnnotations(pod, mesh),
    ...plan.annotations,
    [RECORD_ANNOTATION, ''],
  ]);
  const unwritten = metadataGrowth(pod, annotations);
  const record = recordOf({ ...spec, ...unwritten }, { version, mode: mesh.mode }, warnings);
  annotations.set(RECORD_ANNOTATION, JSON.stringify(record));
  return [...editsInSpec(spec), ...editsInMetadata(metadataGrowth(pod, annotations))];
}

function specGrowth(pod: Pod, mesh: MeshPod, plan: SidecarPlan): SpecGrowth {
  const mounting = new Set(mesh.mountContainers);
  const author = (path: string, container: Container, drainSeconds: number): AuthorGrowth => ({
    name: container.name,
    env: variableGrowth(`${path}/env`, container, mesh.variables),
    volumeMounts: append(
      `${path}/volumeMounts`,
      container.volumeMounts,
      mounting.has(container.name) ? [DATA_MOUNT] : [],
    ),
    lifecycle: drainGrowth(path, container, drainSeconds),
  });
  return {
    ofInitContainers: pod.initContainers.map((each, index) =>
      author(`/spec/initContainers/${index}`, each, 0),
    ),
    ofContainers: pod.containers.map((each, index) =>
      author(`/spec/containers/${index}`, each, mesh.drainSeconds),
    ),
    initContainers: prepend('/spec/initContainers', pod.initContainersPresence, plan.initContainers),
    containers: append('/spec/containers', 'present', plan.containers),
    volumes: append('/spec/volumes', pod.volumesPresence, plan.volumes),
  };
}

/** The order matters: the author's containers are addressed before anything moves them. */
function editsInSpec(growth: SpecGrowth): PodEdit[] {
  const authors = [...growth.ofInitContainers, ...growth.ofContainers];
  return [
    ...authors.flatMap(({ env, volumeMounts, lifecycle }) => [
      ...env.edits,
      ...volumeMounts.edits,
      ...lifecycle.edits,
    ]),
    ...growth.initContainers.edits,
    ...growth.containers.edits,
    ...growth.volumes.edits,
  ];
}

const DATA_MOUNT: JsonObject = { name: DATA_VOLUME, mountPath: DATA_PATH };

/** In front of the author's own, which can use them; one that the author defines stays as it is. */
function variableGrowth(path: string, container: Container, variables: readonly Variable[]): Growth {
  return prepend(
    path,
    container.env,
    variables.filter(({ name }) => !container.likeUpstreams.has(name)),
  );
}

const LABELS: ReadonlyMap<string, string> = new Map([[STATUS, INJECTED]]);

function metadataGrowth(pod: Pod, annotations: ReadonlyMap<string, string>): MetadataGrowth {
  const isThere = pod.metadata === 'present';
  return {
    metadata: isThere ? undefined : pod.metadata,
    annotations: entries('/metadata/annotations', pod.annotationsPresence, pod.annotations, annotations),
    labels: entries('/metadata/labels', pod.labelsPresence, pod.labels, LABELS),
  };
}

/** Metadata that was not there is made in one edit with its maps. */
function editsInMetadata({ metadata, annotations, labels }: MetadataGrowth): readonly PodEdit[] {
  if (metadata === undefined) return [...annotations.edits, ...labels.edits];
  const [made, labelled] = [makingOf(annotations), makingOf(labels)].map((edit) => edit && valueOf(edit));
  return [create('/metadata', metadata, { annotations: made, labels: labelled })];
}

function writtenAnnotations(pod: Pod, { services: [service], metrics }: MeshPod): [string, string][] {
  const [first] = pod.containers;
  const whenAbsent: [string, string | undefined][] = [
    [`${ANNOTATION_PREFIX}connect-service`, service.name],
    [`${ANNOTATION_PREFIX}connect-service-port`, service.portText],
    // A flag may have asked for it, and the pod does not show flags.
    [`${ANNOTATION_PREFIX}enable-metrics`, metrics && 'true'],
    [`${ANNOTATION_PREFIX}prometheus-scrape-port`, metrics && String(metrics.port)],
    [DEFAULT_CONTAINER_ANNOTATION, first?.name],
    ['prometheus.io/scrape', metrics && 'true'],
    ['prometheus.io/port', metrics && String(metrics.port)],
    ['prometheus.io/path', metrics?.path],
    ['prometheus.io/scheme', metrics?.tls && 'https'],
  ];
  return [
    [STATUS, INJECTED],
    ...whenAbsent.flatMap(([name, value]): [string, string][] =>
      value === undefined || Object.hasOwn(pod.annotations, name) ? [] : [[name, value]],
    ),
  ];
}
