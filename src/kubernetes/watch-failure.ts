/** Why a list or a watch ended, as a closed set: the label of a metric and the field of a log. */
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';
import { quoteSentence } from '../support/text.ts';
import { retryAfter, type ApiAnswer } from './api-client.ts';

export const restartCauses = [
  /** The server ended the watch in order, as it does after the time that it was asked for. */
  'closed',
  /** The version is too old (410): a new list is needed. */
  'gone',
  /** Events came in an order that does not tell what is there: a new list is needed. */
  'disordered',
  /** No whole answer: refused, reset, timed out, or no name found. */
  'unreachable',
  /** The connection broke in the middle of a watch. */
  'reset',
  /** Nothing came for too long: the connection may be half-open. */
  'idle',
  /** What came cannot be understood. */
  'garbled',
  /** 401 or 403. */
  'denied',
  /** 429. */
  'throttled',
  /** 5xx. */
  'server-error',
  /** Any other status. */
  'refused',
] as const;

export type RestartCause = (typeof restartCauses)[number];

export type WatchFailure = {
  readonly cause: RestartCause;
  /** Undefined when this is how a watch ends in order. */
  readonly error: TandemError | undefined;
  /** Milliseconds that the server asks to wait; 0 when it asks nothing. */
  readonly wait: number;
};

/** Of an answer that is no success. */
export function failureOf(answer: ApiAnswer, path: string): WatchFailure {
  const message = asString(property(answer.body, 'message')) ?? asString(answer.body) ?? '';
  return statusFailure(answer.status, message, path, retryAfter(answer));
}

/** Of a status, which an event of a watch can have too. */
export function statusFailure(status: number, message: string, path: string, wait = 0): WatchFailure {
  const text = `GET ${path}: status ${status}, ${quoteSentence(message)}`;
  return { cause: causeOf(status), error: new TandemError('TANDEM_KUBERNETES_REFUSED', text), wait };
}

/** Of an exception; one that is no coded error is a bug and is thrown again. */
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
