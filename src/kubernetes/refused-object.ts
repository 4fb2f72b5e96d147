/** The error of a request that the API server has refused. */
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';
import { quoteSentence } from '../support/text.ts';
import type { ApiAnswer } from './api-client.ts';

export type RefusedObject = {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
};

const DONE = {
  get: 'read',
  create: 'written',
  update: 'written',
  patch: 'annotated',
  delete: 'deleted',
} as const;

/** The API server's message; of a proxy, the beginning of its page. */
export function messageOf(body: unknown): string {
  return asString(property(body, 'message')) ?? asString(body) ?? '';
}

/** @param what it is about, as a sentence */
export function requestRefused(
  what: string,
  { status, body }: Pick<ApiAnswer, 'status' | 'body'>,
): TandemError {
  const message = messageOf(body);
  const text = `${what}: status ${status}, ${message === '' ? 'no reason' : quoteSentence(message)}`;
  return new TandemError('TANDEM_KUBERNETES_REFUSED', text);
}

/** Without the message of the API server, which may quote what it refuses. */
export function refusedObject(
  { kind, namespace, name }: RefusedObject,
  verb: keyof typeof DONE,
  answer: Pick<ApiAnswer, 'status' | 'body'>,
): TandemError {
  const resource = kind === 'Secret' ? 'secrets' : 'configmaps';
  const what = `the ${kind} ${namespace}/${name} cannot be ${DONE[verb]}`;
  return refused(what, `${verb} ${resource}`, answer);
}

/**
 * @param what it is about, as a sentence
 * @param right that the request needs, such as `get secrets`
 */
export function refused(
  what: string,
  right: string,
  { status, body }: Pick<ApiAnswer, 'status' | 'body'>,
): TandemError {
  const reason = asString(property(body, 'reason')) ?? 'no reason';
  const cure = status === 403 ? `; this takes the right to ${right}` : '';
  return new TandemError('TANDEM_KUBERNETES_REFUSED', `${what}: status ${status}, ${reason}${cure}`);
}
