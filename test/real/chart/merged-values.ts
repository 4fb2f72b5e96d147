/** Values of a chart, put together as helm does it. */

type Values = Readonly<Record<string, unknown>>;

/** One value at its path. */
export function valuesWith(path: readonly string[], value: unknown): object {
  return path.reduceRight<unknown>((below, key) => ({ [key]: below }), value) as object;
}

/** Of maps every key; of anything else the second one. */
export function merged(left: unknown, right: unknown): unknown {
  if (!isMap(left) || !isMap(right)) return right;
  const both = Object.entries(right).map(([key, value]) => [key, merged(left[key], value)] as const);
  return { ...left, ...Object.fromEntries(both) };
}

export function mergedAll(all: readonly object[]): object {
  return all.reduce<unknown>(merged, {}) as object;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
