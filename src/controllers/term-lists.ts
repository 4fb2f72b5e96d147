/**
 * A replica that begins to lead has watched the cluster until then, and a watch may have been silent or away: what the leader before
 * knew need not be known here. New lists of every kind tell it, each asked for once: one that takes long counts when it comes, and
 * one that fails is tried again by its watch, which goes on meanwhile.
 */
import type { ControllerReporter } from '../reconcile/controller.ts';
import { sleep, type Clock } from '../support/clock.ts';
import { TandemError } from '../support/errors.ts';
import type { Relisted } from './watched.ts';

export type TermListsParts = {
  readonly relist: Relisted['relist'];
  readonly reporter: Pick<ControllerReporter<never>, 'failed' | 'succeeded'>;
  readonly clock: Clock;
};

export type TermLists = {
  /** To be called once. Resolves when there is a new list of each kind, or when the signal is aborted; never rejects. */
  readonly ask: (signal: AbortSignal, listed?: (kind: string) => void) => Promise<void>;
  /** A list was asked for, and has not come. */
  readonly isAwaited: (kind: string) => boolean;
  /** In place of that of the reporter: while lists are late, what depends on them is not done. */
  readonly succeeded: () => void;
};

// Milliseconds. The lists of a large cluster take some seconds, and one line each half minute is enough for a log.
const LATE = 30_000;

export function createTermLists({ relist, reporter, clock }: TermListsParts): TermLists {
  const awaited = new Set<string>();
  let areLate = false;
  return {
    ask: async (signal, listed) => {
      const came = [...relist()].map(async ([kind, list]) => {
        awaited.add(kind);
        await list;
        awaited.delete(kind);
        if (!signal.aborted) listed?.(kind);
      });
      const all = Promise.all(came);
      for (;;) {
        await Promise.race([all, sleep(clock, LATE, signal)]);
        areLate = awaited.size > 0;
        if (!areLate || signal.aborted) return;
        reporter.failed(missing(awaited), LATE);
      }
    },
    isAwaited: (kind) => awaited.has(kind),
    succeeded: () => {
      if (!areLate || awaited.size === 0) reporter.succeeded();
    },
  };
}

function missing(kinds: ReadonlySet<string>): TandemError {
  const text = `the API server has returned no new list of ${[...kinds].join(', ')} since this replica began to lead; until it does, nothing is removed by the list from before`;
  return new TandemError('TANDEM_KUBERNETES_UNREACHABLE', text);
}
