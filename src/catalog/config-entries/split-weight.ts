/** Weights of splits, as Consul rounds them (structs.scaleWeight), with the float32 that it computes in. */

/** Hundredths of a percent. */
export function hundredths(weight: number): number {
  const scaled = Math.fround(Math.fround(weight) * 100);
  // Go rounds half away from zero.
  return Math.sign(scaled) * Math.round(Math.abs(scaled));
}
