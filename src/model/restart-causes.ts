/** Why a list or a watch of Kubernetes ended, as a closed set: the label of a metric and the field of a log. */
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
