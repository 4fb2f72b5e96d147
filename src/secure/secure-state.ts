/** What the loop keeps in its own Secret: keys, and which version of each comes next. */
import { asString, isObject, parseJson, property } from '../support/json.ts';
import { certificatesIn, isUsablePair } from './certificates.ts';
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
  /** Those that left at once, because somebody else may have their key; until they expire, for pods know them. */
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

export const NO_STATE: SecureState = {
  ca: undefined,
  older: [],
  distrusted: [],
  gossip: undefined,
  nextGossip: undefined,
  tokens: {},
  nextTokens: {},
  answered: {},
};

/** Undefined when any part of it is damaged: whoever overwrote it would lose keys that are in use. */
export function readState(text: string): SecureState | undefined {
  const json = parseJson(text);
  if (!isObject(json) || !Array.isArray(json['older'])) return undefined;
  // Not there in what an earlier version wrote.
  const { distrusted = [] } = json;
  if (!Array.isArray(distrusted)) return undefined;
  const state = {
    ca: caIn(json['ca']),
    older: json['older'].map(retiredIn),
    distrusted: distrusted.map(retiredIn),
    gossip: json['gossip'],
    nextGossip: json['nextGossip'],
    tokens: pairsIn(json['tokens']),
    nextTokens: pairsIn(json['nextTokens']),
    answered: textsIn(json['answered']),
  };
  return isWhole(state) ? state : undefined;
}

type Damaged = null;

type ReadParts = {
  readonly ca: SigningCa | undefined | Damaged;
  readonly older: readonly (RetiredCa | Damaged)[];
  readonly distrusted: readonly (RetiredCa | Damaged)[];
  readonly gossip: unknown;
  readonly nextGossip: unknown;
  readonly tokens: SecureState['tokens'] | Damaged;
  readonly nextTokens: SecureState['tokens'] | Damaged;
  readonly answered: SecureState['answered'];
};

function isWhole(parts: ReadParts): parts is SecureState {
  const { ca, older, distrusted, gossip, nextGossip, tokens, nextTokens } = parts;
  const isComplete = ![ca, tokens, nextTokens, ...older, ...distrusted].includes(null);
  return isComplete && [gossip, nextGossip].every((key) => key === undefined || isGossipKey(key));
}

// For AES-128, AES-192 or AES-256 (memberlist, keyring.go).
const GOSSIP_BYTES: readonly number[] = [16, 24, 32];

export function isGossipKey(key: unknown): boolean {
  return (
    typeof key === 'string' &&
    /^[A-Za-z0-9+/]+={0,2}$/.test(key) &&
    GOSSIP_BYTES.includes(Buffer.from(key, 'base64').length)
  );
}

function caIn(value: unknown): SigningCa | undefined | Damaged {
  if (value === undefined) return undefined;
  const [certificate, key] = [asString(property(value, 'certificate')), asString(property(value, 'key'))];
  if (certificate === undefined || key === undefined) return null;
  const isKnown = key === '' ? certificatesIn(certificate).length > 0 : isUsablePair({ certificate, key });
  if (!isKnown) return null;
  const [others, cross] = [asString(property(value, 'others')), asString(property(value, 'cross'))];
  return { certificate, key, others: others ?? '', cross };
}

function retiredIn(value: unknown): RetiredCa | Damaged {
  const [certificate, leavesAt] = [asString(property(value, 'certificate')), property(value, 'leavesAt')];
  const isKnown = certificatesIn(certificate ?? '').length > 0;
  return certificate !== undefined && isKnown && typeof leavesAt === 'number'
    ? { certificate, leavesAt }
    : null;
}

export function writeState(state: SecureState): string {
  return JSON.stringify(state);
}

function pairsIn(value: unknown): SecureState['tokens'] | Damaged {
  if (!isObject(value)) return null;
  const entries = Object.entries(value).map(([name, pair]) => {
    const [accessor, secret] = [asString(property(pair, 'accessor')), asString(property(pair, 'secret'))];
    return accessor === undefined || !secret ? undefined : ([name, { accessor, secret }] as const);
  });
  const whole = entries.filter((entry) => entry !== undefined);
  return whole.length === entries.length ? Object.fromEntries(whole) : null;
}

function textsIn(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  );
}
