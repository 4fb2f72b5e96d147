/** What a flag is: how its text is read, what it is when absent, and what the documentation says of it. */
import { BOOLEAN_WORDS, parseBoolean, parseWholeNumber, quote } from '../support/text.ts';

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `secret`: the text may hold what must not be repeated. */
  | { readonly ok: false; readonly expected: string; readonly secret?: boolean };

export type Flag<T> = {
  /** One sentence for `--help` and docs/flags.md. */
  readonly doc: string;
  /** What stands for the value in the help: `FILE`, `NAME`; empty for a boolean. */
  readonly placeholder: string;
  readonly default: T;
  readonly parse: (text: string) => Parsed<T>;
  /** Variables other than TANDEM_<NAME> that are honoured, such as CONSUL_HTTP_ADDR. The flag's own variable beats them. */
  readonly variables: readonly string[];
  /** The value never appears in a message. */
  readonly secret: boolean;
  /** It is refused on the command line, where anyone who may list processes would see it. */
  readonly environmentOnly: boolean;
};

type Details = {
  readonly variables?: readonly string[];
  readonly secret?: boolean;
  readonly environmentOnly?: boolean;
};

/** A flag whose text is read by a function of the part that uses it. `expected` of a failure completes "expected …". */
export function parsed<T>(
  doc: string,
  placeholder: string,
  fallback: T,
  parse: (text: string) => Parsed<T>,
  details: Details = {},
): Flag<T> {
  const { variables = [], secret = false, environmentOnly = false } = details;
  return { doc, placeholder, default: fallback, parse, variables, secret, environmentOnly };
}

export function string<D extends string | undefined>(
  doc: string,
  placeholder: string,
  fallback: D,
  details?: Details,
): Flag<string | D> {
  return parsed<string | D>(doc, placeholder, fallback, (text) => ({ ok: true, value: text }), details);
}

export function boolean(doc: string, fallback: boolean, details?: Details): Flag<boolean> {
  return parsed(doc, '', fallback, booleanValue, details);
}

/** @param bounds inclusive */
export function integer<D extends number | undefined>(
  doc: string,
  placeholder: string,
  fallback: D,
  bounds: { readonly min: number; readonly max: number },
): Flag<number | D> {
  const expected = `a whole number from ${bounds.min} to ${bounds.max}`;
  const parse = (text: string): Parsed<number> => {
    const value = parseWholeNumber(text);
    if (value === undefined || value < bounds.min || value > bounds.max) return { ok: false, expected };
    return { ok: true, value };
  };
  return parsed<number | D>(doc, placeholder, fallback, parse);
}

export function oneOf<const C extends string>(
  doc: string,
  choices: readonly C[],
  fallback: NoInfer<C>,
): Flag<C> {
  return parsed(doc, choices.join('|'), fallback, (text) => choiceOf(choices, text));
}

export function choiceOf<const C extends string>(choices: readonly C[], text: string): Parsed<C> {
  const value = choices.find((choice) => choice === text);
  return value === undefined ? { ok: false, expected: `one of ${choices.join(', ')}` } : { ok: true, value };
}

/** Comma-separated, trimmed, empty elements dropped. */
export function list(doc: string, placeholder: string, fallback: readonly string[]): Flag<readonly string[]> {
  return parsed(doc, placeholder, fallback, (text) => ({ ok: true, value: splitList(text) }));
}

/** One problem in one sentence: where the value came from, what it was, what was expected. */
export function describeFlagProblem(source: string, text: string, expected: string, secret: boolean): string {
  return `${source}: ${secret ? 'the value' : quote(text)} is not ${expected}`;
}

function booleanValue(text: string): Parsed<boolean> {
  const value = parseBoolean(text);
  return value === undefined ? { ok: false, expected: `one of ${BOOLEAN_WORDS}` } : { ok: true, value };
}

/** Trimmed, empty elements dropped. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
}
