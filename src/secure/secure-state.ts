/** What the loop keeps in its own Secret: keys, and which version of each comes next. */
import { listAt, mapAt, numberIs, objectAt, textIn, textIs } from '../model/decode-consul.ts';
import { asString, parseJson, property, textPairs } from '../support/json.ts';
import { isUsablePair } from './certificates.ts';
import { certificatesIn } from '../support/known-certificate.ts';
import type { TokenName } from './secure-settings.ts';

/** A token by both of its UUIDs; the accessor opens nothing. */
export type TokenPair = { readonly accessor: string; readonly secret: string };

/** PEM. */
export type SigningCa = {
  readonly certificate: string;
  /** Empty when it is not here: then the operator brings the leaves. */
  readonly key: string;
  /** Certificates that the operator has put behind it: those that signed it, and others that are trusted. */
  readonly others: string;
  /** The same CA signed by the ones before: goes behind each leaf. */
  readonly cross: string | undefined;
};

export type RetiredCa = {
  readonly certificate: string;
  /** Milliseconds since the epoch: nothing that it signed can be served from then on. */
  readonly leavesAt: number;
};

/** Of tokens: those of Consul, and `recovery`, which each agent has by itself. */
export type KeptToken = TokenName | 'recovery';

export type SecureState = {
  readonly ca: SigningCa | undefined;
  readonly older: readonly RetiredCa[];
  /** CAs that were dropped at once because somebody else may have their key; kept until they expire, because pods know them. */
  readonly distrusted: readonly RetiredCa[];
  readonly gossip: string | undefined;
  /** In use as soon as every member has it. */
  readonly nextGossip: string | undefined;
  readonly tokens: Readonly<Partial<Record<KeptToken, TokenPair>>>;
  readonly nextTokens: Readonly<Partial<Record<KeptToken, TokenPair>>>;
  /** What was asked for by annotation, and was begun: its value. */
  readonly answered: Readonly<Record<string, string>>;
};

/** Key of the Secret. */
export const STATE_KEY = 'state.json';

/** Undefined when any part of it is damaged: overwriting it would lose keys that are in use. */
export function readState(text: string): SecureState | undefined {
  try {
    return stateIn(parseJson(text));
  } catch {
    return undefined;
  }
}

function stateIn(value: unknown): SecureState {
  // Not there in what an earlier version wrote.
  const {
    ca,
    older,
    distrusted = [],
    gossip,
    nextGossip,
    tokens,
    nextTokens,
    answered,
  } = objectAt(value, 'state');
  return {
    ca: ca === undefined ? undefined : caIn(ca),
    older: retiredIn(older, 'older'),
    distrusted: retiredIn(distrusted, 'distrusted'),
    gossip: gossipIn(gossip),
    nextGossip: gossipIn(nextGossip),
    tokens: mapAt(objectAt(tokens, 'tokens'), 'tokens', pairIn),
    nextTokens: mapAt(objectAt(nextTokens, 'nextTokens'), 'nextTokens', pairIn),
    answered: Object.fromEntries(textPairs(answered)),
  };
}

// For AES-128, AES-192 or AES-256 (memberlist, keyring.go).
const GOSSIP_BYTES: readonly number[] = [16, 24, 32];

export function isGossipKey(key: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(key) && GOSSIP_BYTES.includes(Buffer.from(key, 'base64').length);
}

function gossipIn(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const key = textIs(value, 'gossip');
  return isGossipKey(key) ? key : damaged('a gossip key');
}

function caIn(value: unknown): SigningCa {
  const ca = objectAt(value, 'ca');
  const [certificate, key] = [textIn(ca, 'certificate', 'ca'), textIn(ca, 'key', 'ca')];
  const isKnown = key === '' ? certificatesIn(certificate).length > 0 : isUsablePair({ certificate, key });
  const [others, cross] = [asString(property(ca, 'others')), asString(property(ca, 'cross'))];
  return isKnown ? { certificate, key, others: others ?? '', cross } : damaged('the CA');
}

function retiredIn(value: unknown, at: string): readonly RetiredCa[] {
  if (value === null) return damaged(at);
  return listAt(value, at, (each, place) => {
    const ca = objectAt(each, place);
    const certificate = textIn(ca, 'certificate', place);
    const leavesAt = numberIs(property(ca, 'leavesAt'), place);
    return certificatesIn(certificate).length > 0 ? { certificate, leavesAt } : damaged(place);
  });
}

function pairIn(value: unknown, place: string): TokenPair {
  const pair = objectAt(value, place);
  const [accessor, secret] = [textIn(pair, 'accessor', place), textIn(pair, 'secret', place)];
  return secret === '' ? damaged(place) : { accessor, secret };
}

function damaged(what: string): never {
  throw new Error(`${what} is damaged`);
}

export function writeState(state: SecureState): string {
  return JSON.stringify(state);
}
