/** Narrows Consul's answers. Each function throws, naming the place, when Consul never returns such a value. */
import { isObject, property, type JsonObject } from '../support/json.ts';

/** @param place of the value, for the message */
export type Read<T> = (value: unknown, place: string) => T;

/** Reads an object by its fields; the reader of one that is absent gets undefined. */
export function fields<R extends Readonly<Record<string, Read<unknown>>>>(
  readers: R,
): Read<{ readonly [K in keyof R]: ReturnType<R[K]> }> {
  const pairs = Object.entries(readers);
  return (value, place) => {
    const object = objectAt(value, place);
    const found: Record<string, unknown> = {};
    for (const [key, read] of pairs) found[key] = read(property(object, key), `${place}.${key}`);
    return found as { readonly [K in keyof R]: ReturnType<R[K]> };
  };
}

export function objectAt(value: unknown, place: string): JsonObject {
  if (!isObject(value)) throw new Error(`${place} is not an object`);
  return value;
}

/** Go writes an empty list as `null` as well as `[]`. */
export function listAt<T>(value: unknown, place: string, read: Read<T>): readonly T[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${place} is not a list`);
  return value.map((element: unknown, index) => read(element, `${place}[${index}]`));
}

/** Reads an answer that is a list. */
export function listOf<T>(read: Read<T>): (json: unknown) => readonly T[] {
  return (json) => listAt(json, 'answer', read);
}

/** Go writes an empty map as `null`, or leaves it out. */
export function mapAt<T>(value: unknown, place: string, read: Read<T>): Readonly<Record<string, T>> {
  if (value === null || value === undefined) return {};
  const entries = Object.entries(objectAt(value, place));
  return Object.fromEntries(entries.map(([key, element]) => [key, read(element, `${place}.${key}`)]));
}

export function textIs(value: unknown, place: string): string {
  if (typeof value !== 'string') throw new Error(`${place} is not a string`);
  return value;
}

export function numberIs(value: unknown, place: string): number {
  if (typeof value !== 'number') throw new Error(`${place} is not a number`);
  return value;
}

export function textIn(object: JsonObject, key: string, place: string): string {
  return textIs(property(object, key), `${place}.${key}`);
}

/** A field that Go leaves out when it is empty. */
export function optionalText(value: unknown, place: string): string {
  return value === undefined || value === null ? '' : textIs(value, place);
}

/** A field that Go leaves out when it is zero. */
export function optionalNumber(value: unknown, place: string): number {
  return value === undefined || value === null ? 0 : numberIs(value, place);
}

export function mapOf<T>(read: Read<T>): Read<Readonly<Record<string, T>>> {
  return (value, place) => mapAt(value, place, read);
}
