/** How the passes of a loop went: told to the log and to metrics, and kept for `/status`. */
import type { PassStatus } from '../status-page/status.ts';
import { TandemError } from '../support/errors.ts';
import type { ControllerMetrics } from '../telemetry/controller-metrics.ts';
import type { Log } from '../telemetry/logger.ts';

export type PassState = {
  /** Milliseconds since the epoch. */
  readonly lastSuccess: number | undefined;
  /** `since`: the first after the last success. */
  readonly lastFailure: { readonly at: number; readonly since: number; readonly error: string } | undefined;
  readonly heldRemovals: number;
};

export type PassOutcome = {
  readonly succeeded: () => void;
  readonly failed: (error: unknown, retryMilliseconds: number) => void;
  /** So many removals wait for a second look; 0: none. */
  readonly hold: (removals: number) => void;
  readonly state: () => PassState;
};

export type PassOutcomeOptions = {
  readonly log: Log;
  readonly metrics: Pick<ControllerMetrics, 'newLoop' | 'failure' | 'heldRemovals'>;
  readonly now: () => number;
  /** The state is another one. */
  readonly changed: () => void;
};

/** @param failureMessage of the log line of a pass that failed */
export function createPassOutcome(
  { log, metrics, now, changed }: PassOutcomeOptions,
  failureMessage: string,
): PassOutcome {
  const tellSuccess = metrics.newLoop();
  let lastSuccess: number | undefined;
  let lastFailure: PassState['lastFailure'];
  let failingSince: number | undefined;
  let heldRemovals = 0;
  return {
    succeeded: () => {
      lastSuccess = now();
      failingSince = undefined;
      tellSuccess(lastSuccess);
      changed();
    },
    failed: (error, retryMilliseconds) => {
      const text = error instanceof Error ? error.message : String(error);
      const code = error instanceof TandemError ? error.code : 'other';
      const at = now();
      failingSince ??= at;
      lastFailure = { at, since: failingSince, error: text };
      metrics.failure(code);
      // What is none of our own errors is a bug, and its stack is what a report needs.
      const stack = error instanceof Error && !(error instanceof TandemError) ? error.stack : undefined;
      log('error', failureMessage, {
        code,
        error: text,
        retryMilliseconds: Math.round(retryMilliseconds),
        stack,
      });
      changed();
    },
    hold: (removals) => {
      heldRemovals = removals;
      metrics.heldRemovals(removals);
      changed();
    },
    state: () => ({ lastSuccess, lastFailure, heldRemovals }),
  };
}

/** Its part of `/status`: times as people read them. */
export function passStatus({ lastSuccess, lastFailure, heldRemovals }: PassState): PassStatus {
  return {
    lastSuccess: lastSuccess === undefined ? undefined : isoTime(lastSuccess),
    lastFailure: lastFailure && {
      at: isoTime(lastFailure.at),
      since: isoTime(lastFailure.since),
      error: lastFailure.error,
    },
    heldRemovals,
  };
}

/** @param milliseconds since the epoch */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
