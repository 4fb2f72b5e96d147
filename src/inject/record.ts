/** The record of what was added, kept on the pod as compact JSON: it makes `uninject` exact. */
import { isObject, parseJson, property, type JsonObject } from '../support/json.ts';
import { pointer, segments } from '../support/json-patch.ts';
import type { Container, Pod } from './pod.ts';
import { valueOf, type PodEdit } from './pod-edit.ts';

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

/**
 * @param pod as it was before the edits
 * @param edits all of them, the one that writes the record included
 */
export function recordOf(
  pod: Pod,
  edits: readonly PodEdit[],
  made: { readonly version: string; readonly mode: string },
  warnings: readonly string[],
): InjectionRecord {
  const { at, inside, values } = viewOf(edits);
  const names = (list: string): string[] => values(list).map((each) => String(property(each, 'name')));
  const initContainers = authorsIn('initContainers', pod.initContainers);
  const containers = authorsIn('containers', pod.containers);
  // As the edits are ordered.
  const authors = [...initContainers, ...containers];
  const added = authors.map(({ path }) => new Set(names(`${path}/env`)));
  const variables = new Set(added.flatMap((each) => [...each]));
  const kept = authors.flatMap(({ name }, index): [string, string[]][] => {
    const own = added[index] ?? variables;
    return own.size === variables.size ? [] : [[name, [...variables].filter((each) => !own.has(each))]];
  });
  const mounting = authors.filter(({ path }) => values(`${path}/volumeMounts`).length > 0);
  const drained = authors.filter(
    ({ path }) => (at(`${path}/lifecycle`) ?? at(`${path}/lifecycle/preStop`)) !== undefined,
  );
  const [annotations, labels] = [inside('/metadata/annotations'), inside('/metadata/labels')];
  const parents = [...parentsInPod, ...parentsIn([...containers, ...initContainers], at)].map(
    ([place, path]) => ({ place, kind: at(path)?.kind }),
  );
  const placesOf = (by: PodEdit['kind']): string[] =>
    parents.filter(({ kind }) => kind === by).map(({ place }) => place);
  return {
    ...made,
    volumes: names('/spec/volumes'),
    initContainers: names('/spec/initContainers'),
    containers: names('/spec/containers'),
    variables: [...variables],
    kept: Object.fromEntries(kept),
    mounts: mounting.map(({ name }) => name),
    ...(drained.length === 0 ? {} : { drained: drained.map(({ name }) => name) }),
    annotations: annotations.map(keyOf),
    labels: labels.map(keyOf),
    previous: { annotations: replaced(annotations), labels: replaced(labels) },
    absent: placesOf('add'),
    nulls: placesOf('set'),
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

type Author = { readonly name: string; readonly path: string };

function authorsIn(list: 'containers' | 'initContainers', all: readonly Container[]): Author[] {
  return all.map(({ name }, index) => ({ name, path: pointer('spec', list, index) }));
}

/** What can be made as a whole: how the record names it, and where it is. */
type Parent = readonly [place: string, path: string];

const parentsInPod: readonly Parent[] = [
  ['metadata', '/metadata'],
  ['metadata.annotations', '/metadata/annotations'],
  ['metadata.labels', '/metadata/labels'],
  ['spec.volumes', '/spec/volumes'],
  ['spec.initContainers', '/spec/initContainers'],
];

function parentsIn(authors: readonly Author[], at: View['at']): Parent[] {
  return [
    ...(['env', 'volumeMounts'] as const).flatMap((field) =>
      authors.map(({ name, path }): Parent => [parentOf(name, field), `${path}/${field}`]),
    ),
    ...authors.map(({ name, path }): Parent =>
      at(`${path}/lifecycle`) === undefined
        ? [parentOf(name, 'lifecycle.preStop'), `${path}/lifecycle/preStop`]
        : [parentOf(name, 'lifecycle'), `${path}/lifecycle`],
    ),
  ];
}

type View = {
  /** The edit that made a field of the author's part of the pod. */
  readonly at: (path: string) => PodEdit | undefined;
  /** What came into a list, or is a new one. */
  readonly values: (list: string) => readonly unknown[];
  /** What came into a map, or is a new one. */
  readonly inside: (map: string) => readonly PodEdit[];
};

function viewOf(edits: readonly PodEdit[]): View {
  // Metadata that was not there is made in one edit with its maps.
  const metadata = edits.find(({ path }) => path === '/metadata');
  const all = metadata === undefined ? edits : [...edits, ...partsOf(metadata)];
  const grouped = Map.groupBy(all, ({ path }) => holderOf(path));
  const at: View['at'] = (path) => grouped.get(holderOf(path))?.find((edit) => edit.path === path);
  return {
    at,
    values: (list) => {
      const whole = at(list);
      return whole === undefined ? (grouped.get(list) ?? []).map(valueOf) : (valueOf(whole) as unknown[]);
    },
    inside: (map) => {
      const whole = at(map);
      return whole === undefined ? (grouped.get(map) ?? []) : partsOf(whole);
    },
  };
}

function holderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function partsOf(map: PodEdit): PodEdit[] {
  return Object.entries(valueOf(map) as JsonObject).map(([key, value]) => ({
    kind: 'add',
    path: map.path + pointer(key),
    value,
  }));
}

function keyOf({ path }: PodEdit): string {
  return segments(path.slice(path.lastIndexOf('/')))[0] ?? '';
}

function replaced(edits: readonly PodEdit[]): JsonObject {
  return Object.fromEntries(
    edits.flatMap((edit) => (edit.kind === 'set' ? [[keyOf(edit), edit.before] as const] : [])),
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
