/** A state of a reporter as `/status` has it: times as people read them. */
import type { ControllerFacts } from '../status-page/status.ts';
import { earliest } from '../support/earliest.ts';
import type { ControllerState } from './controller-reporter.ts';

export function controllerFacts(
  { lastSuccess, lastFailure, heldRemovals }: ControllerState,
  { counts, backlog, watches = {} }: Partial<Pick<ControllerFacts, 'counts' | 'backlog' | 'watches'>> = {},
): ControllerFacts {
  return {
    lastSuccess: lastSuccess === undefined ? undefined : isoTime(lastSuccess),
    lastFailure: lastFailure && {
      at: isoTime(lastFailure.at),
      since: isoTime(lastFailure.since),
      error: lastFailure.error,
    },
    heldRemovals,
    backlog: backlog && { ...backlog, seconds: Math.round(backlog.seconds * 10) / 10 },
    counts,
    watches,
  };
}

/** Of a row: what was refused, and since when anything is wrong. @param key of its problems, when that is not the source */
export function troubleOf(
  states: readonly ControllerState[],
  source: string,
  key = source,
): { readonly refused: string | undefined; readonly since: string | undefined } {
  const [refusal] = states.flatMap(({ refused }) => refused.get(source) ?? []);
  const since = earliest([refusal?.since, ...states.map(({ problemSince }) => problemSince(key))]);
  return { refused: refusal?.reason, since: since === undefined ? undefined : isoTime(since) };
}

/** @param milliseconds since the epoch */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
