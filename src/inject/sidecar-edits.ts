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
import { pointer } from '../support/json-patch.ts';
import type { JsonObject } from '../support/json.ts';
import type { SidecarPlan } from './sidecar-plan.ts';
import { drainEdits } from './drain.ts';
import { DATA_PATH, DATA_VOLUME } from './names.ts';
import type { MeshPod } from './mesh-pod.ts';
import type { Container, Pod } from './pod.ts';
import { append, create, entries, prepend, type PodEdit } from './pod-edit.ts';
import { recordOf } from './record.ts';
import { upstreamVariables, type Variable } from './variables.ts';

/** @param warnings for the record, which names itself too: its key is there before it is written */
export function editsOf(
  pod: Pod,
  mesh: MeshPod,
  plan: SidecarPlan,
  version: string,
  warnings: readonly string[],
): PodEdit[] {
  const inSpec = specEdits(pod, mesh, plan);
  const annotations = [...writtenAnnotations(pod, mesh), ...plan.annotations];
  const withRecord = (record: string): PodEdit[] => [
    ...inSpec,
    ...metadataEdits(pod, new Map([...annotations, [RECORD_ANNOTATION, record]])),
  ];
  const record = recordOf(pod, withRecord(''), { version, mode: mesh.mode }, warnings);
  return withRecord(JSON.stringify(record));
}

/** The order matters: the author's containers are addressed before anything moves them. */
function specEdits(pod: Pod, mesh: MeshPod, plan: SidecarPlan): PodEdit[] {
  const variables = upstreamVariables(mesh.upstreams);
  const mounting = new Set(mesh.mountContainers);
  const shared = (path: string, container: Container): PodEdit[] => [
    ...variableEdits(path, container, variables),
    ...append(
      `${path}/volumeMounts`,
      container.volumeMounts,
      mounting.has(container.name) ? [DATA_MOUNT] : [],
    ),
  ];
  return [
    ...pod.initContainers.flatMap((each, index) => shared(pointer('spec', 'initContainers', index), each)),
    ...pod.containers.flatMap((each, index) => {
      const path = pointer('spec', 'containers', index);
      return [...shared(path, each), ...drainEdits(path, each, mesh.drainSeconds)];
    }),
    ...prepend('/spec/initContainers', pod.initContainersPresence, plan.initContainers),
    ...append('/spec/containers', 'present', plan.containers),
    ...append('/spec/volumes', pod.volumesPresence, plan.volumes),
  ];
}

const DATA_MOUNT: JsonObject = { name: DATA_VOLUME, mountPath: DATA_PATH };

/** In front of the author's own, which can use them; one that the author defines stays as it is. */
function variableEdits(path: string, container: Container, variables: readonly Variable[]): PodEdit[] {
  const missing = variables.filter(({ name }) => !container.variables.has(name));
  return prepend(`${path}/env`, container.env, missing);
}

function metadataEdits(pod: Pod, annotations: ReadonlyMap<string, string>): PodEdit[] {
  const labels = new Map([[STATUS, INJECTED]]);
  if (pod.metadata !== 'present') {
    const value = { annotations: Object.fromEntries(annotations), labels: Object.fromEntries(labels) };
    return [create('/metadata', pod.metadata, value)];
  }
  return [
    ...entries('/metadata/annotations', pod.annotationsPresence, pod.annotations, annotations),
    ...entries('/metadata/labels', pod.labelsPresence, pod.labels, labels),
  ];
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
