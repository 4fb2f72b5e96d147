/**
 * The change of a pod as operations of RFC 6902, built one by one: their number follows what is added, never the size of
 * the pod. Nothing that the author wrote is replaced, except null parents and an annotation or label of Tandem's own.
 */
import type { JsonObject } from '../support/json.ts';
import { pointer, type PatchOperation } from '../support/json-patch.ts';
import type { Change } from './change.ts';
import { lifecycleField, sleepHook } from './drain.ts';
import { DATA_PATH, DATA_VOLUME } from './names.ts';
import type { Container, Pod, Presence } from './pod.ts';

/** The order matters: the author's containers are addressed before anything moves them. */
export function patchOf(pod: Pod, change: Change): PatchOperation[] {
  return [
    ...pod.initContainers.flatMap((container, index) =>
      containerOperations('initContainers', index, container, change),
    ),
    ...pod.containers.flatMap((container, index) =>
      containerOperations('containers', index, container, change),
    ),
    ...prepend(pointer('spec', 'initContainers'), pod.initContainersPresence, change.initContainers),
    ...append(pointer('spec', 'containers'), 'present', change.containers),
    ...append(pointer('spec', 'volumes'), pod.volumesPresence, change.volumes),
    ...metadataOperations(pod, change),
  ];
}

function containerOperations(
  list: 'containers' | 'initContainers',
  index: number,
  container: Container,
  change: Change,
): PatchOperation[] {
  const added = change.variables.filter(({ name }) => !container.variables.has(name));
  const mounts = change.mountContainers.has(container.name)
    ? [{ name: DATA_VOLUME, mountPath: DATA_PATH }]
    : [];
  return [
    ...prepend(pointer('spec', list, index, 'env'), container.env, added),
    ...append(pointer('spec', list, index, 'volumeMounts'), container.volumeMounts, mounts),
    ...(list === 'containers' && change.drainContainers.has(container.name)
      ? [preStopOperation(pointer('spec', list, index, 'lifecycle'), container, change.drainSeconds)]
      : []),
  ];
}

function preStopOperation(path: string, { lifecycle }: Container, seconds: number): PatchOperation {
  return lifecycle === 'present'
    ? { op: 'add', path: `${path}/preStop`, value: sleepHook(seconds) }
    : { op: 'add', path, value: lifecycleField(seconds)['lifecycle'] };
}

function prepend(path: string, presence: Presence, elements: readonly unknown[]): PatchOperation[] {
  if (elements.length === 0) return [];
  if (presence !== 'present') return [{ op: 'add', path, value: elements }];
  return elements.map((value, index) => ({ op: 'add', path: `${path}/${index}`, value }));
}

function append(path: string, presence: Presence, elements: readonly unknown[]): PatchOperation[] {
  if (elements.length === 0) return [];
  if (presence !== 'present') return [{ op: 'add', path, value: elements }];
  return elements.map((value) => ({ op: 'add', path: `${path}/-`, value }));
}

function metadataOperations(pod: Pod, change: Change): PatchOperation[] {
  if (pod.metadata !== 'present') {
    const value: JsonObject = {
      annotations: Object.fromEntries(change.annotations),
      labels: Object.fromEntries(change.labels),
    };
    return [{ op: 'add', path: pointer('metadata'), value }];
  }
  return [
    ...entries(pointer('metadata', 'annotations'), pod.annotationsPresence, change.annotations),
    ...entries(pointer('metadata', 'labels'), pod.labelsPresence, change.labels),
  ];
}

function entries(path: string, presence: Presence, added: ReadonlyMap<string, string>): PatchOperation[] {
  if (added.size === 0) return [];
  if (presence !== 'present') return [{ op: 'add', path, value: Object.fromEntries(added) }];
  return [...added].map(([key, value]) => ({ op: 'add', path: `${path}${pointer(key)}`, value }));
}
