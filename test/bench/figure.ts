/** One line per figure: what, value, and the target or the ratio to a baseline of the same run. */

export function figure(name: string, value: number, unit: string, note: string): void {
  const rounded = value >= 100 ? Math.round(value) : Math.round(value * 1000) / 1000;
  process.stdout.write(`${name.padEnd(66)} ${String(rounded).padStart(9)} ${unit.padEnd(12)} ${note}\n`);
}

/** @param samples any order. @param share 0.99 for p99 */
export function percentile(samples: readonly number[], share: number): number {
  const ordered = samples.toSorted((left, right) => left - right);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
