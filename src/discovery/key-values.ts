/** The grammar of an auto-join string: `key=value` separated by spaces; values with a space or a `=` are in quotes. */
import { quote } from '../support/text.ts';

type KeyValues =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  /** Names the key, and says what is wrong with it. */
  | { readonly ok: false; readonly problem: string };

type Token =
  | { readonly kind: 'text'; readonly text: string; readonly end: number }
  | { readonly kind: 'equal' | 'end'; readonly end: number }
  | { readonly kind: 'broken'; readonly reason: string };

type Pair =
  | { readonly kind: 'pair'; readonly key: string; readonly value: string; readonly end: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly problem: string };

/** As Consul's agent reads `retry_join` (hashicorp/go-discover, Config.Parse); of its escapes, `\"` and `\\`. Never throws. */
export function parseKeyValues(text: string): KeyValues {
  const values = new Map<string, string>();
  let previous: string | undefined;
  for (let from = 0; ;) {
    const pair = pairAt(text, from, previous);
    if (pair.kind === 'broken') return { ok: false, problem: pair.problem };
    if (pair.kind === 'end') return { ok: true, values };
    if (values.has(pair.key)) return { ok: false, problem: `${shown(pair.key)}: duplicate key` };
    values.set(pair.key, pair.value);
    previous = pair.key;
    from = pair.end;
  }
}

/** @param previous key of the previous pair, to which a second `=` belongs */
function pairAt(text: string, from: number, previous: string | undefined): Pair {
  const key = tokenAt(text, from);
  switch (key.kind) {
    case 'end':
      return { kind: 'end' };
    case 'equal':
      return previous === undefined
        ? broken('"="', 'a key is missing before it')
        : broken(shown(previous), 'a value with "=" must be in double quotes');
    case 'broken':
      return broken(`after ${previous === undefined ? 'the beginning' : shown(previous)}`, key.reason);
    case 'text':
      return valueOf(key.text, text, key.end, previous);
  }
}

function valueOf(key: string, text: string, from: number, previous: string | undefined): Pair {
  const equal = tokenAt(text, from);
  if (equal.kind !== 'equal')
    // It may be the rest of a password that has a space.
    return previous === undefined
      ? broken(shown(key), 'missing "="')
      : broken(
          `after ${shown(previous)}`,
          'a key without "="; a value with a space must be in double quotes',
        );
  const value = tokenAt(text, equal.end);
  if (value.kind === 'broken') return broken(shown(key), value.reason);
  if (value.kind !== 'text') return broken(shown(key), 'missing value');
  return { kind: 'pair', key, value: value.text, end: value.end };
}

function tokenAt(text: string, from: number): Token {
  const start = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
  if (start === text.length) return { kind: 'end', end: start };
  if (text[start] === '=') return { kind: 'equal', end: start + 1 };
  if (text[start] === '"') return quotedAt(text, start);
  const bare = /^[^\s=]+/.exec(text.slice(start))?.[0] ?? '';
  return { kind: 'text', text: bare, end: start + bare.length };
}

function quotedAt(text: string, start: number): Token {
  let content = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '"') return { kind: 'text', text: content, end: at + 1 };
    if (character !== '\\') {
      content += character;
      continue;
    }
    at += 1;
    const escaped = text[at];
    if (escaped === undefined) return { kind: 'broken', reason: 'unterminated escape' };
    if (escaped !== '"' && escaped !== '\\')
      return { kind: 'broken', reason: `${quote(`\\${escaped}`)} is not an escape; only \\" and \\\\ are` };
    content += escaped;
  }
  return { kind: 'broken', reason: 'unbalanced quotes' };
}

function broken(place: string, reason: string): Pair {
  return { kind: 'broken', problem: `${place}: ${reason}` };
}

/** Bare, as it is written, when it can be. */
function shown(key: string): string {
  return /^[\w.-]{1,40}$/.test(key) ? key : quote(key);
}
