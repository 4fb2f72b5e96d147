/** Finds the synthetic nodes that somebody else has changed, by their checks: one read for all of them, and not too often. */
import { readinessCheckId } from '../catalog/instance.ts';
import { registrationsOf } from '../catalog/connect/registration.ts';
import type { InjectedPod } from '../catalog/connect/pod.ts';
import type { ConnectCatalog } from './registrar-ports.ts';

export type CheckDrift = {
  /** Something may have changed. */
  readonly changed: (now: number) => void;
  /** When to look; undefined while there is no reason to. */
  readonly due: () => number | undefined;
  /** Nodes that do not have all checks of their pods as they shall be. */
  readonly look: (nodes: Iterable<string>, signal: AbortSignal) => Promise<readonly string[]>;
};

export type CheckDriftParts = {
  readonly checks: ConnectCatalog['checks'];
  readonly podsOn: (node: string) => readonly InjectedPod[];
  /** What a plan found to be somebody else's is no drift. */
  readonly conflictOf: (source: string) => string | undefined;
  readonly owner: string;
  readonly elapsed: () => number;
};

// Whoever removes an instance gets it back within 2 s: a second between two looks leaves one for the answer and the write.
const BETWEEN = 1000;
// Several of one hand, and our own, come together.
const TOGETHER = 200;
// All checks of a large cluster are megabytes: looking takes at most a tenth of the time.
const SHARE = 10;

export function createCheckDrift(parts: CheckDriftParts): CheckDrift {
  const { checks, podsOn, conflictOf, owner, elapsed } = parts;
  let due: number | undefined;
  let earliest = -Infinity;

  const isWhole = (node: string, found: ReadonlyMap<string, string> | undefined): boolean =>
    podsOn(node)
      .flatMap((pod) => registrationsOf(pod, owner))
      .every(
        ({ id, source, check }) =>
          conflictOf(source) !== undefined || found?.get(readinessCheckId(id)) === check?.status,
      );

  return {
    changed: (now) => {
      due ??= Math.max(now + TOGETHER, earliest);
    },
    due: () => due,
    look: async (nodes, signal) => {
      const start = elapsed();
      due = undefined;
      const all = await checks(signal);
      const end = elapsed();
      earliest = end + Math.max(BETWEEN, (end - start) * SHARE);
      return [...nodes].filter((node) => !isWhole(node, all.get(node)));
    },
  };
}
