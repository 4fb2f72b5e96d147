/** Why a list or a watch ended, by what the API server answered or the connection did. */
import type { RestartCause } from '../model/restart-causes.ts';
import { TandemError } from '../support/errors.ts';
import { retryAfter, type ApiAnswer } from './api-client.ts';
import { requestRefused } from './refused-object.ts';

export type WatchFailure = {
  readonly cause: RestartCause;
  /** Undefined when a watch normally ends in this way. */
  readonly error: TandemError | undefined;
  /** Milliseconds that the server asks the client to wait; 0 for none. */
  readonly wait: number;
};

/** For an answer that is not a success. */
export function failureOf(answer: ApiAnswer, path: string): WatchFailure {
  return statusFailure(answer, path, retryAfter(answer));
}

/** For a status, which an event of a watch can have, too. */
export function statusFailure(
  answer: Pick<ApiAnswer, 'status' | 'body'>,
  path: string,
  wait = 0,
): WatchFailure {
  return { cause: causeOf(answer.status), error: requestRefused(`GET ${path}`, answer), wait };
}

/** For an exception; one that is not a coded error is a bug and is thrown again. */
export function thrownFailure(error: unknown): WatchFailure {
  if (!(error instanceof TandemError)) throw error;
  return { cause: error.code === 'TANDEM_KUBERNETES_GARBLED' ? 'garbled' : 'unreachable', error, wait: 0 };
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses */
function causeOf(status: number): RestartCause {
  if (status === 410) return 'gone';
  if (status === 401 || status === 403) return 'denied';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'server-error' : 'refused';
}
