/** Nothing is removed by what a new leader knows from before, until the cluster was listed anew. */
import type { DeletionGuard } from '../reconcile/deletion-guard.ts';
import { aborted } from '../support/aborted.ts';
import type { SyncReporter } from './sync-ports.ts';
import { createTermLists, type TermLists, type TermListsParts } from './term-lists.ts';

type FirstRemovalsParts = TermListsParts & {
  readonly reporter: Pick<SyncReporter, 'unlisted' | 'released'>;
  /** Something is due. */
  readonly notify: () => void;
};

type FirstRemovals = Pick<TermLists, 'succeeded'> & {
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
 */
export function createFirstRemovals(
  guard: DeletionGuard,
  isOld: boolean,
  parts: FirstRemovalsParts,
): FirstRemovals {
  const { reporter, clock, notify } = parts;
  const { ask, succeeded } = createTermLists(parts);
  const asked = Promise.withResolvers<void>();
  let areListed = !isOld;
  /** Changes between two plans only: one that takes several turns may begin with the view from before the lists. */
  let isCurrent = areListed;
  let due: number | undefined;
  const held = new Set<string>();
  let told = 0;
  const tell = (): void => {
    if (held.size === told) return;
    told = held.size;
    if (told === 0) reporter.released();
    else reporter.unlisted(told);
  };
  return {
    succeeded,
    guard: {
      ...guard,
      reset: () => {
        held.clear();
        tell();
        guard.reset();
      },
      withheld: (ids, owned, isConfirmation) => {
        if (!isCurrent) for (const id of ids) held.add(id);
        tell();
        if (isCurrent) return guard.withheld(ids, owned, isConfirmation);
        if (ids.length > 0) asked.resolve();
        return new Set(ids);
      },
    },
    due: () => due,
    begun: () => {
      due = undefined;
      held.clear();
      isCurrent = areListed;
    },
    run: async (signal) => {
      if (areListed) return;
      await Promise.race([asked.promise, aborted(signal)]);
      if (!signal.aborted) await ask(signal);
      if (signal.aborted) return;
      areListed = true;
      due = clock.elapsed();
      notify();
    },
  };
}
