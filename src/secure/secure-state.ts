/** What the loop keeps in its own Secret: keys, and which version of each comes next. */
import { asString, isObject, parseJson, property } from '../support/json.ts';
import type { TokenName } from './secure-settings.ts';

/** A token by both of its UUIDs; the accessor opens nothing. */
export type TokenPair = { readonly accessor: string; readonly secret: string };

/** PEM. */
export type SigningCa = {
  readonly certificate: string;
  readonly key: string;
  /** The same CA signed by the one before: goes behind each leaf. */
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
  gossip: undefined,
  nextGossip: undefined,
  tokens: {},
  nextTokens: {},
  answered: {},
};

/** Undefined when it is none: whoever overwrote it would lose keys that are in use. */
export function readState(text: string): SecureState | undefined {
  const json = parseJson(text);
  if (!isObject(json) || !Array.isArray(json['older'])) return undefined;
  const ca = property(json, 'ca');
  const [certificate, key] = [asString(property(ca, 'certificate')), asString(property(ca, 'key'))];
  return {
    ca:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate, key, cross: asString(property(ca, 'cross')) },
    older: json['older'].flatMap((each: unknown): RetiredCa[] => {
      const [pem, leavesAt] = [asString(property(each, 'certificate')), property(each, 'leavesAt')];
      return pem === undefined || typeof leavesAt !== 'number' ? [] : [{ certificate: pem, leavesAt }];
    }),
    gossip: asString(json['gossip']),
    nextGossip: asString(json['nextGossip']),
    tokens: pairsIn(json['tokens']),
    nextTokens: pairsIn(json['nextTokens']),
    answered: textsIn(json['answered']),
  };
}

export function writeState(state: SecureState): string {
  return JSON.stringify(state);
}

function pairsIn(value: unknown): SecureState['tokens'] {
  const entries = Object.entries(isObject(value) ? value : {}).flatMap(([name, pair]) => {
    const [accessor, secret] = [asString(property(pair, 'accessor')), asString(property(pair, 'secret'))];
    return accessor === undefined || secret === undefined ? [] : [[name, { accessor, secret }] as const];
  });
  return Object.fromEntries(entries);
}

function textsIn(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  );
}
