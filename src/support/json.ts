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
