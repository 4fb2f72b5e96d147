/** A read of Consul: the value, and the headers that say which version it is, and whether it is whole. */
import { TandemError } from '../support/errors.ts';
import { parseWholeNumber, quote } from '../support/text.ts';
import type { RawAnswer } from './servers.ts';

export type Answer<T> = {
  readonly value: T;
  /** Opaque; 0 when the endpoint has none. Give it back to wait for a change. */
  readonly index: number;
  /** The token may not see everything: what is missing here may exist. */
  readonly filteredByAcls: boolean;
};

/**
 * @param decode the JSON → the value; throws, with the reason, when it is none that the endpoint gives
 */
export function readAnswer<T>(raw: RawAnswer, decode: (json: unknown) => T): Answer<T> {
  return {
    value: decode(jsonOf(raw)),
    index: indexOf(raw),
    filteredByAcls: raw.header('x-consul-results-filtered-by-acls') === 'true',
  };
}

/** Of the state that was read; 0 when the answer does not say. */
export function indexOf({ header }: Pick<RawAnswer, 'header'>): number {
  return parseWholeNumber(header('x-consul-index') ?? '') ?? 0;
}

/** @throws TandemError TANDEM_CONSUL_FORBIDDEN unless the token shows everything: what is missing may exist */
export function requireWhole(
  answers: readonly Pick<Answer<unknown>, 'filteredByAcls'>[],
  what: string,
  rules: string,
): void {
  if (!answers.some(({ filteredByAcls }) => filteredByAcls)) return;
  throw new TandemError(
    'TANDEM_CONSUL_FORBIDDEN',
    `the token does not show all ${what}, so nothing is changed; it needs ${rules}`,
  );
}

/** The JSON of an answer; a proxy's page, a text, or half of an answer throws. */
export function jsonOf({ text, header }: Pick<RawAnswer, 'text' | 'header'>): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`not JSON but ${header('content-type') ?? 'no type'}, ${quote(text.trim())}`);
  }
}
