/** One change of a pod. The JSON patch, the record on the pod and the edits of a manifest are three views of one list of them. */
import { pointer, type PatchOperation } from '../support/json-patch.ts';
import type { JsonObject } from '../support/json.ts';
import type { Presence } from './pod.ts';

/** Paths are JSON pointers into the pod as the edits before have left it. */
export type PodEdit =
  /** A new key of a map, or a new element of a list; `-` is the end of a list. */
  | { readonly kind: 'add'; readonly path: string; readonly value: unknown }
  /** Another value of an existing key. `before` is no list and no map, whose text in a file could not be restored. */
  | { readonly kind: 'set'; readonly path: string; readonly before: unknown; readonly after: unknown };

/** `add` replaces the value of an existing key (RFC 6902, section 4.1). */
export function applied(edits: readonly PodEdit[]): PatchOperation[] {
  return edits.map((edit) => ({ op: 'add', path: edit.path, value: valueOf(edit) }));
}

/** @param edits none of them at `-`: their positions are known */
export function reverted(edits: readonly PodEdit[]): PatchOperation[] {
  return edits
    .toReversed()
    .map((edit) =>
      edit.kind === 'add'
        ? { op: 'remove', path: edit.path }
        : { op: 'replace', path: edit.path, value: edit.before },
    );
}

/** The edits of one list or map; a missing one is created by a single edit, whose path is its own. */
export type Growth = { readonly path: string; readonly edits: readonly PodEdit[] };

/** Of a map: its keys as they are, one for each edit unless the map itself is made. */
export type MapGrowth = Growth & { readonly keys: readonly string[] };

/** The edit that creates the list or map itself. */
export function makingOf({ path, edits: [first] }: Growth): PodEdit | undefined {
  return first?.path === path ? first : undefined;
}

/** What comes into a list. */
export function elementsOf(growth: Growth): readonly unknown[] {
  const making = makingOf(growth);
  return making === undefined ? growth.edits.map(valueOf) : (valueOf(making) as readonly unknown[]);
}

/** The value at the path after the edit. */
export function valueOf(edit: PodEdit): unknown {
  return edit.kind === 'add' ? edit.value : edit.after;
}

export function create(path: string, presence: Exclude<Presence, 'present'>, value: unknown): PodEdit {
  return presence === 'absent'
    ? { kind: 'add', path, value }
    : { kind: 'set', path, before: null, after: value };
}

/** Elements at the start of a list. */
export function prepend(path: string, presence: Presence, elements: readonly unknown[]): Growth {
  if (elements.length === 0) return { path, edits: [] };
  if (presence !== 'present') return { path, edits: [create(path, presence, elements)] };
  return { path, edits: elements.map((value, index) => ({ kind: 'add', path: `${path}/${index}`, value })) };
}

/** Elements at the end of a list. */
export function append(path: string, presence: Presence, elements: readonly unknown[]): Growth {
  if (elements.length === 0) return { path, edits: [] };
  if (presence !== 'present') return { path, edits: [create(path, presence, elements)] };
  return { path, edits: elements.map((value) => ({ kind: 'add', path: `${path}/-`, value })) };
}

/** Entries of a map, new or not. */
export function entries(
  path: string,
  presence: Presence,
  present: JsonObject,
  written: ReadonlyMap<string, string>,
): MapGrowth {
  const keys = [...written.keys()];
  if (presence !== 'present')
    return { path, keys, edits: [create(path, presence, Object.fromEntries(written))] };
  const edits: PodEdit[] = [];
  for (const [key, value] of written) {
    const at = path + pointerOf(key);
    if (Object.hasOwn(present, key))
      edits.push({ kind: 'set', path: at, before: present[key], after: value });
    else edits.push({ kind: 'add', path: at, value });
  }
  return { path, keys, edits };
}

// The keys are Tandem's own, about twenty.
const pointers = new Map<string, string>();

function pointerOf(key: string): string {
  const known = pointers.get(key) ?? pointer(key);
  pointers.set(key, known);
  return known;
}
