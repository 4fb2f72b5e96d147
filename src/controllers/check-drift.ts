/** Finds the places where somebody else has changed something, by their checks: one read for all of them, and not too often. */
import type { ConnectCatalog } from './registrar-ports.ts';

export type CheckDrift = {
  /** Something may have changed. */
  readonly changed: (now: number) => void;
  /** When to look; undefined while there is no reason to. */
  readonly due: () => number | undefined;
  /** Places that do not have all checks of their pods as they shall be. */
  readonly look: (places: Iterable<string>, signal: AbortSignal) => Promise<readonly string[]>;
};

/** Status by id of every readiness check, by node. */
export type ReadinessChecks = Awaited<ReturnType<ConnectCatalog['checks']>>;

export type CheckDriftParts = {
  readonly checks: ConnectCatalog['checks'];
  /** Of one read: whether a place has all that it shall have. */
  readonly wholeIn: (checks: ReadinessChecks) => (place: string) => boolean;
  readonly elapsed: () => number;
};

// Whoever removes an instance gets it back within 2 s: a second between two looks leaves one for the answer and the write.
const BETWEEN = 1000;
// Several of one hand, and our own, come together.
const TOGETHER = 200;
// All checks of a large cluster are megabytes: looking takes at most a tenth of the time.
const SHARE = 10;

export function createCheckDrift(parts: CheckDriftParts): CheckDrift {
  const { checks, wholeIn, elapsed } = parts;
  let due: number | undefined;
  let earliest = -Infinity;

  return {
    changed: (now) => {
      due ??= Math.max(now + TOGETHER, earliest);
    },
    due: () => due,
    look: async (places, signal) => {
      const wanted = [...places];
      due = undefined;
      if (wanted.length === 0) return [];
      const start = elapsed();
      const all = await checks(signal);
      const end = elapsed();
      earliest = end + Math.max(BETWEEN, (end - start) * SHARE);
      const isWhole = wholeIn(all);
      return wanted.filter((place) => !isWhole(place));
    },
  };
}
