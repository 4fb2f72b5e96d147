/**
 * Everything that injection changes in a pod. The number of edits depends on what is added, never on the size of the pod; nothing
 * that the author wrote is replaced, except null parents, an annotation or label of Tandem's own, and ports of probes.
 */
import {
  ANNOTATION_PREFIX,
  DEFAULT_CONTAINER_ANNOTATION,
  INJECTED,
  REDIRECT_STATUS,
  RECORD_ANNOTATION,
  STATUS,
} from '../model/kubernetes-names.ts';
import type { JsonObject } from '../support/json.ts';
import type { SidecarPlan } from './sidecar-plan.ts';
import { dnsGrowth, dnsRecord, type DnsGrowth } from './consul-dns.ts';
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
import {
  recordOf,
  type AuthorGrowth,
  type MetadataGrowth,
  type RedirectRecord,
  type SpecGrowth,
} from './record.ts';
import type { Variable } from './variables.ts';

/** @param warnings for the record. The record names itself, too: its key exists before it is written */
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
  const made = { version, mode: mesh.mode, ...redirectField(mesh, spec.dns) };
  const record = recordOf({ ...spec, ...unwritten }, made, warnings);
  annotations.set(RECORD_ANNOTATION, JSON.stringify(record));
  return [...probeEdits(mesh), ...editsInSpec(spec), ...editsInMetadata(metadataGrowth(pod, annotations))];
}

function redirectField(
  { redirect }: MeshPod,
  dns: DnsGrowth | undefined,
): { readonly redirect?: RedirectRecord } {
  if (redirect === undefined) return {};
  const { way, askedBy } = redirect;
  const probes = redirect.probes.map(({ container, probe, before, after }) => ({
    container,
    probe,
    port: before,
    to: after,
  }));
  return { redirect: { way, askedBy, probes, ...(dns === undefined ? {} : { dns: dnsRecord(dns) }) } };
}

/** The only values of the author that are replaced. */
function probeEdits({ redirect }: MeshPod): PodEdit[] {
  if (redirect === undefined) return [];
  return redirect.probes.map(({ path, before, after }) => ({ kind: 'set', path, before, after }));
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
    ...initGrowth(pod, plan),
    containers: append('/spec/containers', 'present', plan.containers),
    volumes: append('/spec/volumes', pod.volumesPresence, plan.volumes),
    ...(mesh.redirect?.dns === undefined ? {} : { dns: dnsGrowth(pod, mesh.redirect.dns) }),
  };
}

/** A missing list is created with all of them. */
function initGrowth(
  { initContainersPresence: presence }: Pod,
  { initContainers, lastInitContainers = [] }: SidecarPlan,
): Pick<SpecGrowth, 'initContainers' | 'lastInitContainers'> {
  const path = '/spec/initContainers';
  const first = presence === 'present' ? initContainers : [...initContainers, ...lastInitContainers];
  const last = presence === 'present' ? lastInitContainers : [];
  return { initContainers: prepend(path, presence, first), lastInitContainers: append(path, presence, last) };
}

/** The order matters: the author's containers are addressed before anything shifts them. */
function editsInSpec(growth: SpecGrowth): PodEdit[] {
  const authors = [...growth.ofInitContainers, ...growth.ofContainers];
  return [
    ...authors.flatMap(({ env, volumeMounts, lifecycle }) => [
      ...env.edits,
      ...volumeMounts.edits,
      ...lifecycle.edits,
    ]),
    ...growth.initContainers.edits,
    ...growth.lastInitContainers.edits,
    ...growth.containers.edits,
    ...growth.volumes.edits,
    ...(growth.dns === undefined ? [] : editsOfDns(growth.dns)),
  ];
}

function editsOfDns({ policy, config, lists }: DnsGrowth): PodEdit[] {
  return [policy, ...(config === undefined ? [] : [config]), ...lists.flatMap(({ edits }) => edits)];
}

const DATA_MOUNT: JsonObject = { name: DATA_VOLUME, mountPath: DATA_PATH };

/** Before the author's own variables, which can use them; one that the author defines stays as it is. */
function variableGrowth(path: string, container: Container, variables: readonly Variable[]): Growth {
  const own = new Set(container.likeUpstreams);
  return prepend(
    path,
    container.env,
    variables.filter(({ name }) => !own.has(name)),
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

/** Missing metadata is created in one edit with its maps. */
function editsInMetadata({ metadata, annotations, labels }: MetadataGrowth): readonly PodEdit[] {
  if (metadata === undefined) return [...annotations.edits, ...labels.edits];
  const [made, labelled] = [makingOf(annotations), makingOf(labels)].map((edit) => edit && valueOf(edit));
  return [create('/metadata', metadata, { annotations: made, labels: labelled })];
}

function writtenAnnotations(
  pod: Pod,
  { services: [service], metrics, redirect }: MeshPod,
): [string, string][] {
  const [first] = pod.containers;
  const whenAbsent: [string, string | undefined][] = [
    [`${ANNOTATION_PREFIX}connect-service`, service.name],
    [`${ANNOTATION_PREFIX}connect-service-port`, service.portText],
    // A flag may have asked for it, and the pod does not show flags.
    [`${ANNOTATION_PREFIX}enable-metrics`, metrics && 'true'],
    [`${ANNOTATION_PREFIX}transparent-proxy`, redirect && 'true'],
    [`${ANNOTATION_PREFIX}prometheus-scrape-port`, metrics && String(metrics.port)],
    [DEFAULT_CONTAINER_ANNOTATION, first?.name],
    ['prometheus.io/scrape', metrics && 'true'],
    ['prometheus.io/port', metrics && String(metrics.port)],
    ['prometheus.io/path', metrics?.path],
    ['prometheus.io/scheme', metrics?.tls && 'https'],
  ];
  return [
    [STATUS, INJECTED],
    ...(redirect === undefined ? [] : [[REDIRECT_STATUS, 'enabled'] as [string, string]]),
    ...whenAbsent.flatMap(([name, value]): [string, string][] =>
      value === undefined || Object.hasOwn(pod.annotations, name) ? [] : [[name, value]],
    ),
  ];
}
