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
  const record = parseRecord(text);
  if (record === undefined) {
    return {
      kind: 'invalid',
      problems: [{ at: RECORD_ANNOTATION, message: 'is damaged, so what was added is not known' }],
    };
  }
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

function withoutRecord(annotations: unknown): UninjectResult {
  const status = `${PREFIX}connect-inject-status`;
  if ((asString(property(annotations, status)) ?? '') === '') return { kind: 'skip', reason: 'not-injected' };
  const message = `the pod was injected, but without ${RECORD_ANNOTATION}: not by Tandem, or the record was removed`;
  return { kind: 'invalid', problems: [{ at: status, message }] };
}

function containerLists(spec: unknown, record: InjectionRecord): PatchOperation[] {
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
  record: InjectionRecord,
): PatchOperation[] {
  const name = asString(property(container, 'name')) ?? '';
  const mounts = record.mounts.includes(name) ? [DATA_PATH] : [];
  return [
    ...remove(
      ['spec', list, index, 'env'],
      parentOf(name, 'env'),
      record,
      addedVariables(container, name, record),
    ),
    ...remove(['spec', list, index, 'volumeMounts'], parentOf(name, 'volumeMounts'), record, {
      elements: listAt(container, 'volumeMounts'),
      isAdded: (mount) => mounts.includes(asString(property(mount, 'mountPath')) ?? ''),
    }),
    ...preStopOperations(['spec', list, index, 'lifecycle'], container, name, record),
  ];
}

/** A hook that is not Tandem's any more, because somebody wrote another one since, stays. */
function preStopOperations(
  path: readonly (string | number)[],
  container: unknown,
  name: string,
  record: InjectionRecord,
): PatchOperation[] {
  const lifecycle = property(container, 'lifecycle');
  const isOurs = record.drained?.includes(name) === true && isSleepOnly(property(lifecycle, 'preStop'));
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
function addedVariables(container: unknown, name: string, record: InjectionRecord): Removal {
  const kept = new Set(property(record.kept, name) as readonly string[] | undefined);
  const pending = new Set(record.variables.filter((variable) => !kept.has(variable)));
  return {
    elements: listAt(container, 'env'),
    isAdded: (element) => pending.delete(asString(property(element, 'name')) ?? ''),
  };
}

function named(
  spec: unknown,
  list: string,
  names: readonly string[],
  record: InjectionRecord,
): PatchOperation[] {
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
  record: InjectionRecord,
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
  record: InjectionRecord,
): PatchOperation | undefined {
  if (record.absent.includes(parent)) return { op: 'remove', path: pointer(...path) };
  return record.nulls.includes(parent) ? { op: 'replace', path: pointer(...path), value: null } : undefined;
}

function metadataOperations(metadata: unknown, record: InjectionRecord): PatchOperation[] {
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
  return isObject(map) && Object.keys(map).every((key) => added.includes(key));
}

function mapOperations(
  metadata: unknown,
  key: 'annotations' | 'labels',
  added: readonly string[],
  previous: JsonObject,
  record: InjectionRecord,
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
