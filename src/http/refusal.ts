/** Requests that are refused because they would cost too much: the limits, and the answer to the client. */
import type { FastifyReply } from 'fastify';
import type { RefusalReason } from '../admission/refusals.ts';

// The API server takes objects of up to 3 MiB (k8s.io/apiserver, MaxRequestBodyBytes). A review can hold two of them, the
// object and the old object, and 1 MiB is left for options, user info and JSON escapes.
export const BODY_LIMIT = (2 * 3 + 1) * 1024 * 1024;

// Milliseconds for a body to arrive, and for an answer to be taken. An API server needs a few.
export const PATIENCE = 5000;

// etcd takes objects of 1.5 MiB (--max-request-bytes), and a value with its key has at least five bytes: an object with more
// values can never be stored. Parsing this many takes a fifth of a second and 30 MiB.
export const MOST_VALUES = 300_000;

// An intention of 1,000 sources with permissions, before and after a change. The worst known body takes a third of a second.
export const MOST_ENTRY_VALUES = 20_000;

type Refusal = Error & { readonly statusCode: number; readonly reason: RefusalReason };

const refusals: Partial<Record<RefusalReason, readonly [statusCode: number, message: string]>> = {
  'body-budget': [503, 'too many bytes of requests are in flight; try again'],
  'slow-body': [408, `the body did not arrive within ${PATIENCE / 1000} s`],
  'body-too-large': [413, `the body is larger than ${BODY_LIMIT} bytes`],
};

export function refusal(reason: RefusalReason): Refusal {
  const [statusCode, message] = refusals[reason] ?? [503, reason];
  return Object.assign(new Error(message), { statusCode, reason });
}

export function isRefusal(error: Error): error is Refusal {
  return 'reason' in error;
}

export function turnAway(reply: FastifyReply, { statusCode, message }: Refusal): void {
  // The rest of the body is not awaited.
  reply.code(statusCode).header('connection', 'close').type('text/plain');
  // The client of the API server retries when it is told how many seconds to wait (client-go, rest.withRetry).
  if (statusCode === 503) reply.header('retry-after', '1');
  reply.send(`${message}\n`);
}
