/** What every controller reports: to the log, to metrics, as Events, and to whoever asks for its state. */
import type { GuardReporter } from '../reconcile/deletion-guard.ts';
import type { ControllerReporter } from '../reconcile/controller.ts';
import { reasonOf, TandemError } from '../support/errors.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { LogLevel } from '../support/log-level.ts';
import type { Log, LogFields } from '../telemetry/logger.ts';
import { toldProblems, type ToldProblems } from './told-problems.ts';

/** What the other side said when it refused a change, and when it said so first. */
type Refusal = { readonly reason: string; readonly since: number };

/** Times are milliseconds since the epoch. */
export type ControllerState = {
  readonly lastSuccess: number | undefined;
  /** `since`: the first after the last success. */
  readonly lastFailure: { readonly at: number; readonly since: number; readonly error: string } | undefined;
  /** So many removals wait until both sides were read again. */
  readonly heldRemovals: number;
  /** Source → what the other side said. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** When the source began to have a problem. */
  readonly problemSince: ToldProblems['since'];
};

/** How one controller reports: its log messages, and its view of a change. */
type ControllerWords<Change> = {
  readonly failed: string;
  readonly failedLevel?: LogLevel;
  readonly guarded?: string;
  readonly refused: string;
  readonly describe: (change: Change) => ChangeWords;
};

type ChangeWords = {
  /** The source that it is about; undefined for what belongs to none any more. */
  readonly source: string | undefined;
  /** Of the metric. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the log line. */
  readonly fields: LogFields;
  /** What the Event says that Consul refused; undefined where there is no Event. */
  readonly attempt?: string;
};

export type ControllerReporterOptions = {
  readonly log: Log;
  /** Undefined for a controller that has none. */
  readonly metrics: ControllerMetrics | undefined;
  readonly now: () => number;
  /** A Warning Event on the object of this source, when it is still there. */
  readonly warn: (source: string, reason: string, message: string) => void;
  /** The state has changed. */
  readonly changed: () => void;
};

type Reporter<Change> = Omit<ControllerReporter<Change>, 'applied'> &
  GuardReporter & {
    /** `seconds` from the event that asked for it; undefined when no event did. */
    readonly applied: (change: Change, seconds?: number) => void;
    /** So many removals wait until the cluster is listed anew. */
    readonly unlisted: (removals: number) => void;
    /** All that is wrong with one source now; returns what was not reported yet. */
    readonly news: <Problem>(
      source: string,
      problems: readonly Problem[],
      textOf: (problem: Problem) => string,
    ) => readonly Problem[];
    /** Sources of which something was reported that still holds. */
    readonly toldSources: () => Iterable<string>;
    readonly state: () => ControllerState;
  };

export function createControllerReporter<Change>(
  words: ControllerWords<Change>,
  { log, metrics, now, warn, changed }: ControllerReporterOptions,
): Reporter<Change> {
  const tellSuccess = metrics?.newLoop();
  const told = toldProblems(now);
  const refused = new Map<string, Refusal>();
  let lastSuccess: number | undefined;
  let lastFailure: ControllerState['lastFailure'];
  let failingSince: number | undefined;
  let heldRemovals = 0;
  const hold = (removals: number): void => {
    heldRemovals = removals;
    metrics?.heldRemovals(removals);
    changed();
  };
  return {
    applied: (change, seconds) => {
      const { source, labels } = words.describe(change);
      metrics?.change(labels, 'applied');
      if (seconds !== undefined) metrics?.eventToCommit(seconds);
      if (source !== undefined) refused.delete(source);
    },
    refused: (change, reason) => {
      const { source, labels, fields, attempt } = words.describe(change);
      metrics?.change(labels, 'refused');
      log('warn', words.refused, { ...fields, reason });
      if (source === undefined) return;
      refused.set(source, { reason, since: refused.get(source)?.since ?? now() });
      if (attempt !== undefined) warn(source, 'RefusedByConsul', `Consul refused to ${attempt}: ${reason}`);
    },
    guarded: ({ removals, limit, owned }) => {
      hold(removals);
      log('warn', words.guarded ?? 'the deletion guard holds back many removals', {
        removals,
        limit,
        owned,
      });
    },
    unlisted: (removals) => {
      if (heldRemovals === 0)
        log('info', 'the first removals of a new leader wait for new lists of the cluster', { removals });
      hold(removals);
    },
    released: () => hold(0),
    failed: (error, retryMilliseconds) => {
      const text = reasonOf(error);
      const code = error instanceof TandemError ? error.code : 'other';
      const at = now();
      failingSince ??= at;
      lastFailure = { at, since: failingSince, error: text };
      metrics?.failure(code);
      // An error without one of our codes is a bug, and a report needs its stack.
      const stack = error instanceof Error && !(error instanceof TandemError) ? error.stack : undefined;
      const pause = Math.round(retryMilliseconds);
      log(words.failedLevel ?? 'error', words.failed, { code, error: text, retryMilliseconds: pause, stack });
      changed();
    },
    succeeded: () => {
      lastSuccess = now();
      failingSince = undefined;
      tellSuccess?.(lastSuccess);
      changed();
    },
    news: (source, problems, textOf) => {
      const news = told.tell(source, problems.map(textOf));
      return problems.filter((problem) => news.has(textOf(problem)));
    },
    toldSources: told.sources,
    state: () => ({ lastSuccess, lastFailure, heldRemovals, refused, problemSince: told.since }),
  };
}
