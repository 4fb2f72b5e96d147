/**
 * A replica that begins to lead has watched the cluster until then, and a watch may have been silent or away: what the leader before
 * knew need not be known here. Nothing is removed by such a view before the cluster was listed anew.
 */
import type { ControllerReporter, ControllerRuntime } from '../reconcile/controller.ts';
import type { DeletionGuard } from '../reconcile/deletion-guard.ts';
import { aborted } from '../support/aborted.ts';
import { backoff } from '../support/backoff.ts';
import { sleep } from '../support/clock.ts';

type ListingParts = Pick<ControllerRuntime, 'clock' | 'random'> & {
  /** As `refresh` of a source. */
  readonly relist: (signal: AbortSignal) => Promise<void>;
  readonly failed: ControllerReporter<never>['failed'];
};

// Back in step within 5 s of the end of an outage.
const LONGEST_PAUSE = 4000;

/** Resolves when the cluster was listed anew, or when the signal is aborted; never rejects. */
export async function untilListed(
  { relist, failed, clock, random }: ListingParts,
  signal: AbortSignal,
): Promise<void> {
  const delays = backoff(random, LONGEST_PAUSE);
  for (;;) {
    try {
      return await relist(signal);
    } catch (error) {
      if (signal.aborted) return;
      const pause = delays.next();
      failed(error, pause);
      await sleep(clock, pause, signal);
    }
  }
}

type FirstRemovals = {
  readonly guard: DeletionGuard;
  /** When everything is to be compared, with what was listed. */
  readonly due: () => number | undefined;
  /** Everything is about to be compared. */
  readonly begun: () => void;
  /** Lists the cluster once something is to be removed. Resolves then, or when the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/**
 * In front of a guard. Registrations go on: lists may take long, or fail, when a whole cluster starts.
 *
 * @param isOld the view was there before
 * @param notify something is due
 */
export function createFirstRemovals(
  guard: DeletionGuard,
  isOld: boolean,
  parts: ListingParts & { readonly notify: () => void },
): FirstRemovals {
  const asked = Promise.withResolvers<void>();
  let isCurrent = !isOld;
  let due: number | undefined;
  return {
    guard: {
      ...guard,
      withheld: (ids, owned, isConfirmation) => {
        if (isCurrent) return guard.withheld(ids, owned, isConfirmation);
        if (ids.length > 0) asked.resolve();
        return new Set(ids);
      },
    },
    due: () => due,
    begun: () => {
      due = undefined;
    },
    run: async (signal) => {
      if (isCurrent) return;
      await Promise.race([asked.promise, aborted(signal)]);
      if (!signal.aborted) await untilListed(parts, signal);
      if (signal.aborted) return;
      isCurrent = true;
      due = parts.clock.elapsed();
      parts.notify();
    },
  };
}
