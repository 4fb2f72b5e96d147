/** Finds the places where somebody else has changed something, by their checks: one read for all places, and not too often. */
import type { KeySource } from '../reconcile/controller.ts';
import type { ConnectCatalog } from './registrar-ports.ts';

/** Its keys are the places that do not have all checks of their pods as they should be. */
type CheckDrift = KeySource & {
  /** Calls back when something may have changed, until the signal is aborted. */
  readonly watch: (onChange: () => void, signal: AbortSignal) => Promise<void>;
};

/** Status by id of every readiness check, by node. */
type ReadinessChecks = Awaited<ReturnType<ConnectCatalog['checks']>>;

type CheckDriftParts = {
  readonly catalog: Pick<ConnectCatalog, 'checks' | 'watch'>;
  readonly places: () => Iterable<string>;
  /** By one read: whether a place has everything that it should have, or is not to be observed before its time. */
  readonly wholeIn: (checks: ReadinessChecks) => (place: string) => boolean;
  readonly elapsed: () => number;
};

// An instance that somebody removes is restored within 2 s: a second between two reads leaves one for the answer and the write.
const BETWEEN = 1000;
// Changes of one origin, and our own, come together.
const TOGETHER = 200;
// All checks of a large cluster are megabytes: reading them takes at most a tenth of the time.
const SHARE = 10;

export function createCheckDrift({ catalog, places, wholeIn, elapsed }: CheckDriftParts): CheckDrift {
  let due: number | undefined;
  let earliest = -Infinity;

  return {
    watch: (onChange, signal) =>
      catalog.watch(() => {
        due ??= Math.max(elapsed() + TOGETHER, earliest);
        onChange();
      }, signal),
    due: () => due,
    take: async (now, signal) => {
      if (due === undefined || due > now) return [];
      const wanted = [...places()];
      due = undefined;
      if (wanted.length === 0) return [];
      const start = elapsed();
      const checks = await catalog.checks(signal);
      const end = elapsed();
      earliest = end + Math.max(BETWEEN, (end - start) * SHARE);
      const isWhole = wholeIn(checks);
      return wanted.filter((place) => !isWhole(place));
    },
  };
}
