/** A state of a reporter as `/status` has it: times as people read them. */
import type { PassStatus, TokensStatus } from '../status-page/status.ts';
import { earliest } from '../support/earliest.ts';
import type { ControllerState } from './controller-reporter.ts';

export function passStatus({ lastSuccess, lastFailure, heldRemovals }: ControllerState): PassStatus {
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

/** Why the tokens of pods that are gone stay, when they do. */
export function tokensStatus({ refused, lastFailure, lastSuccess = 0 }: ControllerState): TokensStatus {
  const [refusal] = refused.values();
  if (refusal !== undefined)
    return { trouble: { kind: 'refused', reason: refusal.reason, since: isoTime(refusal.since) } };
  if (lastFailure === undefined || lastFailure.at <= lastSuccess) return { trouble: undefined };
  return { trouble: { kind: 'failed', reason: lastFailure.error, since: isoTime(lastFailure.since) } };
}

/** @param milliseconds since the epoch */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
