/** The record of what was added, kept on the pod as compact JSON: it makes `uninject` exact. */
import { isObject, parseJson, property, type JsonObject } from '../support/json.ts';
import { isDnsRecord, type DnsGrowth, type DnsRecord } from './consul-dns.ts';
import type { Presence } from './pod.ts';
import { elementsOf, makingOf, type Growth, type MapGrowth, type PodEdit } from './pod-edit.ts';

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
  /** Containers that got a `preStop`; absent when none did, and in records of versions without it. */
  readonly drained?: readonly string[];
  /** What redirected the traffic, and the former ports of probes and hooks; absent without transparent proxy. */
  readonly redirect?: RedirectRecord;
  readonly annotations: readonly string[];
  readonly labels: readonly string[];
  /** Former values of annotations and labels that were overwritten. */
  readonly previous: { readonly annotations: JsonObject; readonly labels: JsonObject };
  /** Parents that were not there, and parents that were null: `metadata.labels`, `spec.volumes`, `env of <container>`. */
  readonly absent: readonly string[];
  readonly nulls: readonly string[];
  /** The warnings of the admission, for people who never saw its answer; absent when there were none. */
  readonly warnings?: readonly string[];
};

export type RedirectRecord = {
  readonly way: string;
  readonly askedBy: string;
  readonly probes: readonly RecordedProbe[];
  readonly dns?: DnsRecord;
};

/** `port` is the former value, `to` the present one. */
export type RecordedProbe = {
  readonly container: string;
  readonly probe: string;
  readonly port: number | string;
  readonly to: number;
};

/** What is added to one of the author's containers. */
export type AuthorGrowth = {
  readonly name: string;
  readonly env: Growth;
  readonly volumeMounts: Growth;
  readonly lifecycle: Growth;
};

export type SpecGrowth = {
  readonly ofInitContainers: readonly AuthorGrowth[];
  readonly ofContainers: readonly AuthorGrowth[];
  readonly initContainers: Growth;
  /** After the author's. */
  readonly lastInitContainers: Growth;
  readonly containers: Growth;
  readonly volumes: Growth;
  readonly dns?: DnsGrowth;
};

export type MetadataGrowth = {
  /** Undefined: the parent existed. */
  readonly metadata: Exclude<Presence, 'present'> | undefined;
  readonly annotations: MapGrowth;
  readonly labels: MapGrowth;
};

/** @param growth all of it, the edit that writes the record included */
export function recordOf(
  growth: SpecGrowth & MetadataGrowth,
  made: Pick<InjectionRecord, 'version' | 'mode' | 'redirect'>,
  warnings: readonly string[],
): InjectionRecord {
  const { ofInitContainers, ofContainers, annotations, labels } = growth;
  // In the order of the edits.
  const authors = [...ofInitContainers, ...ofContainers];
  const added = authors.map(({ env }) => namesIn(env));
  const variables = new Set(added.flat());
  const kept = authors.flatMap(({ name }, index): [string, string[]][] => {
    const own = added[index] ?? [];
    if (own.length === variables.size) return [];
    const names = new Set(own);
    return [[name, [...variables].filter((each) => !names.has(each))]];
  });
  const drained = authors.filter(({ lifecycle }) => lifecycle.edits.length > 0);
  return {
    ...made,
    volumes: namesIn(growth.volumes),
    initContainers: [...namesIn(growth.initContainers), ...namesIn(growth.lastInitContainers)],
    containers: namesIn(growth.containers),
    variables: [...variables],
    kept: Object.fromEntries(kept),
    mounts: authors.filter(({ volumeMounts }) => volumeMounts.edits.length > 0).map(({ name }) => name),
    ...(drained.length === 0 ? {} : { drained: drained.map(({ name }) => name) }),
    annotations: annotations.keys,
    labels: labels.keys,
    previous: { annotations: replaced(annotations), labels: replaced(labels) },
    ...madeParents(growth),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function namesIn(list: Growth): string[] {
  return elementsOf(list).map((each) => String(property(each, 'name')));
}

/** Parents that were created, by what was there before. */
function madeParents(growth: SpecGrowth & MetadataGrowth): Pick<InjectionRecord, 'absent' | 'nulls'> {
  const absent: string[] = [];
  const nulls: string[] = [];
  const note = (place: () => string, edit: PodEdit | undefined): void => {
    if (edit !== undefined) (edit.kind === 'add' ? absent : nulls).push(place());
  };
  const { metadata } = growth;
  if (metadata !== undefined) (metadata === 'absent' ? absent : nulls).push('metadata');
  note(() => 'metadata.annotations', makingOf(growth.annotations));
  note(() => 'metadata.labels', makingOf(growth.labels));
  note(() => 'spec.volumes', makingOf(growth.volumes));
  note(() => 'spec.initContainers', makingOf(growth.initContainers));
  if (growth.dns !== undefined) {
    const { policy, config, lists } = growth.dns;
    if (policy.kind === 'add' || policy.before === null) note(() => 'spec.dnsPolicy', policy);
    note(() => 'spec.dnsConfig', config);
    for (const list of lists) note(() => `spec.dnsConfig.${list.key}`, makingOf(list));
  }
  const authors = [...growth.ofContainers, ...growth.ofInitContainers];
  for (const { name, env } of authors) note(() => parentOf(name, 'env'), makingOf(env));
  for (const { name, volumeMounts } of authors)
    note(() => parentOf(name, 'volumeMounts'), makingOf(volumeMounts));
  for (const { name, lifecycle } of authors) {
    const making = makingOf(lifecycle);
    note(
      () => parentOf(name, making === undefined ? 'lifecycle.preStop' : 'lifecycle'),
      making ?? lifecycle.edits[0],
    );
  }
  return { absent, nulls };
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
    (value['redirect'] === undefined || isRedirect(value['redirect'])) &&
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

/** Values that were overwritten; a map that was created had none. */
function replaced(map: MapGrowth): JsonObject {
  if (makingOf(map) !== undefined) return {};
  return Object.fromEntries(
    map.edits.flatMap((edit, index) =>
      edit.kind === 'set' ? [[map.keys[index] ?? '', edit.before] as const] : [],
    ),
  );
}

function isRedirect(value: unknown): boolean {
  const probes = property(value, 'probes');
  return (
    typeof property(value, 'way') === 'string' &&
    typeof property(value, 'askedBy') === 'string' &&
    (property(value, 'dns') === undefined || isDnsRecord(property(value, 'dns'))) &&
    Array.isArray(probes) &&
    probes.every(
      (each) =>
        isStrings([property(each, 'container'), property(each, 'probe')]) &&
        ['number', 'string'].includes(typeof property(each, 'port')) &&
        typeof property(each, 'to') === 'number',
    )
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
