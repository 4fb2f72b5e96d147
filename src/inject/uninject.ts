/** The inverse of `inject`: takes out what the record on the pod names. */
import { asString, isObject, property, type JsonObject } from '../support/json.ts';
import { pointer, type PatchOperation } from '../support/json-patch.ts';
import { PREFIX, RECORD_ANNOTATION } from './annotations.ts';
import { DATA_PATH } from './names.ts';
import { parentOf, parseRecord, type InjectionRecord } from './record.ts';
import type { UninjectResult } from './result.ts';

/**
 * The operations that take an injected pod back to what its author wrote.
 *
 * @param pod a pod, or the pod template of a workload (`{ metadata, spec }`)
 */
export function uninject(pod: unknown): UninjectResult {
  const metadata = property(pod, 'metadata');
  const annotations = property(metadata, 'annotations');
  const text = asString(property(annotations, RECORD_ANNOTATION));
  if (text === undefined) return withoutRecord(annotations);
  const parsed = parseRecord(text);
  if (parsed === undefined) {
    return {
      kind: 'invalid',
      problems: [{ at: RECORD_ANNOTATION, message: 'is damaged, so what was added is not known' }],
    };
  }
  const record = lookupOf(parsed);
  const spec = property(pod, 'spec');
  return {
    kind: 'uninject',
    patch: [
      ...containerLists(spec, record),
      ...named(spec, 'volumes', record.volumes, record),
      ...metadataOperations(metadata, record),
    ],
  };
}

/** The lists of the record that are asked for each container. */
type Lookup = Omit<InjectionRecord, 'variables' | 'mounts' | 'drained' | 'absent' | 'nulls'> &
  Readonly<Record<'variables' | 'mounts' | 'drained' | 'absent' | 'nulls', ReadonlySet<string>>>;

function lookupOf(record: InjectionRecord): Lookup {
  return {
    ...record,
    variables: new Set(record.variables),
    mounts: new Set(record.mounts),
    drained: new Set(record.drained),
    absent: new Set(record.absent),
    nulls: new Set(record.nulls),
  };
}

function withoutRecord(annotations: unknown): UninjectResult {
  const status = `${PREFIX}connect-inject-status`;
  if ((asString(property(annotations, status)) ?? '') === '') return { kind: 'skip', reason: 'not-injected' };
  const message = `the pod was injected, but without ${RECORD_ANNOTATION}: not by Tandem, or the record was removed`;
  return { kind: 'invalid', problems: [{ at: status, message }] };
}

function containerLists(spec: unknown, record: Lookup): PatchOperation[] {
  return (['initContainers', 'containers'] as const).flatMap((list) => {
    const added = new Set(record[list]);
    const authors = listAt(spec, list).flatMap((container, index) =>
      added.has(asString(property(container, 'name')) ?? '')
        ? []
        : containerOperations(list, index, container, record),
    );
    return [...authors, ...named(spec, list, record[list], record)];
  });
}

function containerOperations(
  list: string,
  index: number,
  container: unknown,
  record: Lookup,
): PatchOperation[] {
  const name = asString(property(container, 'name')) ?? '';
  const isMounted = record.mounts.has(name);
  return [
    ...remove(
      ['spec', list, index, 'env'],
      parentOf(name, 'env'),
      record,
      addedVariables(container, name, record),
    ),
    ...remove(['spec', list, index, 'volumeMounts'], parentOf(name, 'volumeMounts'), record, {
      elements: listAt(container, 'volumeMounts'),
      isAdded: (mount) => isMounted && property(mount, 'mountPath') === DATA_PATH,
    }),
    ...preStopOperations(['spec', list, index, 'lifecycle'], container, name, record),
  ];
}

/** A hook that is not Tandem's any more, because somebody wrote another one since, stays. */
function preStopOperations(
  path: readonly (string | number)[],
  container: unknown,
  name: string,
  record: Lookup,
): PatchOperation[] {
  const lifecycle = property(container, 'lifecycle');
  const isOurs = record.drained.has(name) && isSleepOnly(property(lifecycle, 'preStop'));
  if (!isObject(lifecycle) || !isOurs) return [];
  const whole =
    Object.keys(lifecycle).length === 1
      ? restoredParent(path, parentOf(name, 'lifecycle'), record)
      : undefined;
  if (whole !== undefined) return [whole];
  const preStop = [...path, 'preStop'];
  return [
    restoredParent(preStop, parentOf(name, 'lifecycle.preStop'), record) ?? {
      op: 'remove',
      path: pointer(...preStop),
    },
  ];
}

function isSleepOnly(hook: unknown): boolean {
  return isObject(hook) && Object.keys(hook).join() === 'sleep';
}

type Removal = { readonly elements: readonly unknown[]; readonly isAdded: (element: unknown) => boolean };

/** The added variables stand first, so only the first one of a name is Tandem's. */
function addedVariables(container: unknown, name: string, record: Lookup): Removal {
  const kept = new Set(property(record.kept, name) as readonly string[] | undefined);
  const seen = new Set<string>();
  return {
    elements: listAt(container, 'env'),
    isAdded: (element) => {
      const variable = asString(property(element, 'name')) ?? '';
      if (!record.variables.has(variable) || kept.has(variable) || seen.has(variable)) return false;
      seen.add(variable);
      return true;
    },
  };
}

function named(spec: unknown, list: string, names: readonly string[], record: Lookup): PatchOperation[] {
  const added = new Set(names);
  return remove(['spec', list], `spec.${list}`, record, {
    elements: listAt(spec, list),
    isAdded: (element) => added.has(asString(property(element, 'name')) ?? ''),
  });
}

/** From the last to the first, so that no removal moves another; a list that was not there goes as a whole. */
function remove(
  path: readonly (string | number)[],
  parent: string,
  record: Lookup,
  { elements, isAdded }: Removal,
): PatchOperation[] {
  const indices = elements.flatMap((element, index) => (isAdded(element) ? [index] : []));
  const whole = indices.length === elements.length ? restoredParent(path, parent, record) : undefined;
  if (indices.length > 0 && whole !== undefined) return [whole];
  return indices.toReversed().map((index) => ({ op: 'remove', path: pointer(...path, index) }));
}

function restoredParent(
  path: readonly (string | number)[],
  parent: string,
  record: Lookup,
): PatchOperation | undefined {
  if (record.absent.has(parent)) return { op: 'remove', path: pointer(...path) };
  return record.nulls.has(parent) ? { op: 'replace', path: pointer(...path), value: null } : undefined;
}

function metadataOperations(metadata: unknown, record: Lookup): PatchOperation[] {
  const isOurs = ['annotations', 'labels'].every((key) =>
    isEmptied(property(metadata, key), record[key as 'labels']),
  );
  const whole =
    isOurs && Object.keys(metadata ?? {}).length === 2
      ? restoredParent(['metadata'], 'metadata', record)
      : undefined;
  if (whole !== undefined) return [whole];
  return [
    ...mapOperations(metadata, 'annotations', record.annotations, record.previous.annotations, record),
    ...mapOperations(metadata, 'labels', record.labels, record.previous.labels, record),
  ];
}

function isEmptied(map: unknown, added: readonly string[]): boolean {
  const names = new Set(added);
  return isObject(map) && Object.keys(map).every((key) => names.has(key));
}

function mapOperations(
  metadata: unknown,
  key: 'annotations' | 'labels',
  added: readonly string[],
  previous: JsonObject,
  record: Lookup,
): PatchOperation[] {
  const map = property(metadata, key);
  const whole = isEmptied(map, added)
    ? restoredParent(['metadata', key], `metadata.${key}`, record)
    : undefined;
  if (whole !== undefined) return [whole];
  return added
    .filter((name) => property(map, name) !== undefined)
    .map((name) => {
      const path = pointer('metadata', key, name);
      return Object.hasOwn(previous, name)
        ? { op: 'replace', path, value: previous[name] }
        : { op: 'remove', path };
    });
}

function listAt(parent: unknown, key: string): readonly unknown[] {
  const list = property(parent, key);
  return Array.isArray(list) ? list : [];
}
