/** What functions cost, for comparisons that hold whatever else the machine does. */

const ROUNDS = 5;

/**
 * Milliseconds of CPU time of this thread, the least of a few rounds, of each. They take turns, so that what slows the
 * machine for a while slows them all.
 */
export function cpuCosts(...runs: readonly (() => unknown)[]): readonly number[] {
  const least = runs.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [index, run] of runs.entries()) {
      const before = process.threadCpuUsage();
      run();
      const { user, system } = process.threadCpuUsage(before);
      least[index] = Math.min(least[index] ?? Infinity, (user + system) / 1000);
    }
  return least;
}
