/** The record of what was added, kept on the pod as compact JSON: it makes `uninject` exact. */
import { isObject, parseJson, type JsonObject } from '../support/json.ts';
import type { Change } from './change.ts';
import type { Pod, Presence } from './pod.ts';

export type InjectionRecord = {
  readonly version: string;
  readonly mode: string;
  readonly volumes: readonly string[];
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
  readonly variables: readonly string[];
  /** By container: variables that its author defines, and that were therefore not added. */
  readonly kept: { readonly [container: string]: readonly string[] };
  readonly mounts: readonly string[];
  /** Containers that got a `preStop`; absent when none did, and in records of versions that knew none. */
  readonly drained?: readonly string[];
  readonly annotations: readonly string[];
  readonly labels: readonly string[];
  /** Values that stood where an annotation or label was written. */
  readonly previous: { readonly annotations: JsonObject; readonly labels: JsonObject };
  /** Parents that were not there, and parents that were null: `metadata.labels`, `spec.volumes`, `env of <container>`. */
  readonly absent: readonly string[];
  readonly nulls: readonly string[];
  /** What the admission warned of, for whoever never saw its answer; absent when there was nothing. */
  readonly warnings?: readonly string[];
};

export function recordOf(
  pod: Pod,
  change: Change,
  made: { readonly version: string; readonly mode: string },
  warnings: readonly string[],
): InjectionRecord {
  const parents = touchedParents(pod, change);
  return {
    ...made,
    volumes: namesOf(change.volumes),
    initContainers: namesOf(change.initContainers),
    containers: namesOf(change.containers),
    variables: change.variables.map(({ name }) => name),
    kept: keptVariables(pod, change),
    mounts: [...change.mountContainers],
    ...(change.drainContainers.size === 0 ? {} : { drained: [...change.drainContainers] }),
    annotations: [...change.annotations.keys()],
    labels: [...change.labels.keys()],
    previous: {
      annotations: pick(pod.annotations, change.annotations.keys()),
      labels: pick(pod.labels, change.labels.keys()),
    },
    absent: parents.filter(([, presence]) => presence === 'absent').map(([name]) => name),
    nulls: parents.filter(([, presence]) => presence === 'null').map(([name]) => name),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** Reads the record of a pod; undefined when it is damaged. */
export function parseRecord(text: string): InjectionRecord | undefined {
  const value = parseJson(text);
  const lists = [
    'volumes',
    'initContainers',
    'containers',
    'variables',
    'mounts',
    'annotations',
    'labels',
    'absent',
    'nulls',
  ];
  const isRecord =
    isObject(value) &&
    lists.every((key) => isStrings(value[key])) &&
    (value['warnings'] === undefined || isStrings(value['warnings'])) &&
    (value['drained'] === undefined || isStrings(value['drained'])) &&
    isObject(value['kept']) &&
    Object.values(value['kept']).every(isStrings) &&
    isObject(value['previous']) &&
    isObject(value['previous']['annotations']) &&
    isObject(value['previous']['labels']);
  return isRecord ? (value as unknown as InjectionRecord) : undefined;
}

/** How the record names a parent inside a container. */
export function parentOf(
  container: string,
  field: 'env' | 'volumeMounts' | 'lifecycle' | 'lifecycle.preStop',
): string {
  return `${field} of ${container}`;
}

function touchedParents(pod: Pod, change: Change): [string, Presence][] {
  const authors = [...pod.containers, ...pod.initContainers];
  return [
    ['metadata', pod.metadata],
    ['metadata.annotations', pod.annotationsPresence],
    ['metadata.labels', pod.labelsPresence],
    ...(change.volumes.length === 0 ? [] : [['spec.volumes', pod.volumesPresence] as [string, Presence]]),
    ...(change.initContainers.length === 0
      ? []
      : [['spec.initContainers', pod.initContainersPresence] as [string, Presence]]),
    ...(change.variables.length === 0
      ? []
      : authors.map(({ name, env }): [string, Presence] => [parentOf(name, 'env'), env])),
    ...authors
      .filter(({ name }) => change.mountContainers.has(name))
      .map(({ name, volumeMounts }): [string, Presence] => [parentOf(name, 'volumeMounts'), volumeMounts]),
    ...pod.containers
      .filter(({ name }) => change.drainContainers.has(name))
      .flatMap(({ name, lifecycle, preStop }): [string, Presence][] => [
        [parentOf(name, 'lifecycle'), lifecycle],
        ...(lifecycle === 'present'
          ? [[parentOf(name, 'lifecycle.preStop'), preStop] as [string, Presence]]
          : []),
      ]),
  ];
}

function keptVariables(pod: Pod, { variables }: Change): InjectionRecord['kept'] {
  const kept = [...pod.containers, ...pod.initContainers].map((container): [string, string[]] => [
    container.name,
    variables.map(({ name }) => name).filter((name) => container.variables.has(name)),
  ]);
  return Object.fromEntries(kept.filter(([, names]) => names.length > 0));
}

function namesOf(elements: readonly JsonObject[]): string[] {
  return elements.map((element) => String(element['name']));
}

function pick(from: JsonObject, keys: Iterable<string>): JsonObject {
  return Object.fromEntries(
    [...keys].filter((key) => Object.hasOwn(from, key)).map((key) => [key, from[key]]),
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
