/** JSON of values that many patches share: it is made once, and copied into each of them. */
import type { PatchOperation } from './json-patch.ts';

const texts = new WeakMap<object, Buffer>();

/** The value itself, which nobody can change from now on: its JSON is known. */
export function shared<T extends object>(value: T): T {
  texts.set(frozen(value), Buffer.from(JSON.stringify(value)));
  return value;
}

function frozen<T extends object>(value: T): T {
  for (const each of Object.values(value))
    if (typeof each === 'object' && each !== null) frozen(each as object);
  return Object.freeze(value);
}

// Of usual patches, which have 10 kB, each is written here: a buffer of its own would cost three times as much.
const room = Buffer.allocUnsafeSlow(64 * 1024);
// Bytes of UTF-8, for a unit of UTF-16.
const WIDEST = 3;
// Operations written in one go: as many as a usual patch has, and few enough that a large one is given up early.
const LONGEST_RUN = 16;
// From the value of an operation to the fields of a container in a list.
const DEEPEST = 2;

/** Base64 of what `JSON.stringify` returns for the patch. Shared values are not serialized again. */
export function patchInBase64(patch: readonly PatchOperation[]): string {
  const end = writePatch(patch, 0);
  if (end <= room.length) return room.toString('base64', 0, end);
  return Buffer.from(JSON.stringify(patch)).toString('base64');
}

/** Like each function below, it returns where the next text goes: beyond the end when there is not enough room. */
function writePatch(patch: readonly PatchOperation[], start: number): number {
  let at = writeText('[', start);
  let index = 0;
  while (index < patch.length && at <= room.length) {
    if (index > 0) at = writeText(',', at);
    const operation = patch[index] as PatchOperation;
    if (isPlain(operation)) {
      // Neighbours are written in one go: a call for each costs more than most of their contents.
      let next = index + 1;
      const end = Math.min(index + LONGEST_RUN, patch.length);
      while (next < end && isPlain(patch[next] as PatchOperation)) next += 1;
      at = writeText(JSON.stringify(patch.slice(index, next)).slice(1, -1), at);
      index = next;
    } else {
      const { op, path, value } = operation;
      at = writeText(`{"op":"${op}","path":${JSON.stringify(path)},"value":`, at);
      at = writeText('}', writeValue(value, DEEPEST, at));
      index += 1;
    }
  }
  return writeText(']', at);
}

type WithValue = Extract<PatchOperation, { readonly value: unknown }>;

function isPlain(operation: PatchOperation): operation is Exclude<PatchOperation, WithValue> {
  return operation.op === 'remove' || !holdsShared(operation.value, DEEPEST);
}

/** Or is it. What does not is best left to `JSON.stringify` as a whole. */
function holdsShared(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (texts.has(value)) return true;
  return depth > 0 && Object.values(value).some((each) => holdsShared(each, depth - 1));
}

function writeValue(value: unknown, depth: number, at: number): number {
  if (typeof value !== 'object' || value === null || !holdsShared(value, depth))
    return writeText(JSON.stringify(value) ?? 'null', at);
  const text = texts.get(value);
  if (text !== undefined) return at + text.length > room.length ? Infinity : at + text.copy(room, at);
  return Array.isArray(value) ? writeList(value, depth, at) : writeObject(value, depth, at);
}

function writeList(list: readonly unknown[], depth: number, start: number): number {
  let at = start;
  let before = '[';
  for (const each of list) {
    at = writeValue(each, depth - 1, writeText(before, at));
    before = ',';
  }
  return writeText(']', at);
}

function writeObject(object: object, depth: number, start: number): number {
  let at = start;
  let before = '{';
  for (const [key, each] of Object.entries(object)) {
    if (each === undefined) continue;
    at = writeValue(each, depth - 1, writeText(`${before}${JSON.stringify(key)}:`, at));
    before = ',';
  }
  return writeText('}', at);
}

function writeText(text: string, at: number): number {
  return at + text.length * WIDEST > room.length ? Infinity : at + room.write(text, at);
}
