/** Narrowing of values that came from JSON or YAML. */

export type JsonObject = { readonly [key: string]: unknown };

/** True for a plain object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value when it is a string, else undefined. */
export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** An own property, never one of the prototype: keys come from manifests (`constructor`, `__proto__`). */
export function property(value: unknown, key: string): unknown {
  if (!isObject(value)) return undefined;
  // Most keys are absent, and reading is several times as fast as asking.
  const found = value[key];
  return found === undefined || Object.hasOwn(value, key) ? found : undefined;
}

/** The text at a key; empty for what is no text. */
export function textAt(value: unknown, key: string): string {
  return asString(property(value, key)) ?? '';
}

/** The same; undefined for an empty one, too. */
export function filledAt(value: unknown, key: string): string | undefined {
  return textAt(value, key) || undefined;
}

/** The number at a key; 0 for what is no number. */
export function numberAt(value: unknown, key: string): number {
  const found = property(value, key);
  return typeof found === 'number' ? found : 0;
}

/** The pairs of a map whose values are texts; none of what is no map. */
export function textPairs(value: unknown): [key: string, text: string][] {
  if (!isObject(value)) return [];
  return Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
}

/** The value when it is an object, else an empty one. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The value when it is a list, else an empty one. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Those of the list at a key; none where there is no list. */
export function elementsAt(value: unknown, key: string): readonly unknown[] {
  return asList(property(value, key));
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Nesting by the thousand would overflow the stack of whoever serializes it. */
export function isNestedAtMost(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  // Without a function or a list for each level, which would be most of the garbage of an admission.
  if (Array.isArray(value)) {
    for (const each of value as unknown[]) if (!isNestedAtMost(depth - 1, each)) return false;
  } else {
    const object = value as JsonObject;
    for (const key in object) if (!isNestedAtMost(depth - 1, object[key])) return false;
  }
  return true;
}

/** Whether a list in the value, however deep, has an element that is null. */
export function hasNullInList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((each) => (each === null ? Array.isArray(value) : hasNullInList(each)));
}

/** Whether the test holds for a string in the value, or for one of its keys. */
export function someText(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, each]) => test(key) || someText(each, test));
}
