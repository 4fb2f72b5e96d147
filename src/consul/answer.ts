/** A read of Consul: the value, and the headers that say how far it can be trusted. */
import { parseWholeNumber, quote } from '../support/text.ts';
import type { RawAnswer } from './servers.ts';

export type Answer<T> = {
  readonly value: T;
  /** Opaque; 0 when the endpoint has none. Give it back to wait for a change. */
  readonly index: number;
  readonly knownLeader: boolean;
  /** Milliseconds since the server that answered heard from the leader. */
  readonly lastContact: number;
  /** The token may not see all of it: what is missing here may be there. */
  readonly filteredByAcls: boolean;
};

/**
 * @param decode the JSON → the value; throws, with the reason, when it is none that the endpoint gives
 */
export function readAnswer<T>(raw: RawAnswer, decode: (json: unknown) => T): Answer<T> {
  return {
    value: decode(jsonOf(raw)),
    index: parseWholeNumber(raw.header('x-consul-index') ?? '') ?? 0,
    // Endpoints outside of the catalog have no such header, and an answer nonetheless.
    knownLeader: raw.header('x-consul-knownleader') !== 'false',
    lastContact: parseWholeNumber(raw.header('x-consul-lastcontact') ?? '') ?? 0,
    filteredByAcls: raw.header('x-consul-results-filtered-by-acls') === 'true',
  };
}

/** The JSON of an answer; a proxy's page, a text, or half of an answer throws. */
export function jsonOf({ text, header }: Pick<RawAnswer, 'text' | 'header'>): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`not JSON but ${header('content-type') ?? 'no type'}, ${quote(text.trim())}`);
  }
}
