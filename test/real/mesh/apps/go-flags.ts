/** A command line as Go's package flag reads it (pkg.go.dev/flag, "Command line flag syntax"). */

export type GoFlags = {
  readonly text: (name: string) => string;
  readonly number: (name: string, fallback: number) => number;
  /** Pairs of a flag that may come several times; the last one of a key counts. */
  readonly pairs: (name: string) => Readonly<Record<string, string>>;
  /** A boolean flag that is true. */
  readonly has: (name: string) => boolean;
};

export type ParsedGoFlags =
  | { readonly kind: 'flags'; readonly flags: GoFlags; readonly rest: readonly string[] }
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'not-played'; readonly flag: string };

type Kind = 'string' | 'int' | 'bool' | 'pair';

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** @param notPlayed names of flags that exist, and that nobody has to be led to believe in */
export function parseGoFlags(
  line: readonly string[],
  kinds: Readonly<Record<string, Kind>>,
  notPlayed: readonly string[],
): ParsedGoFlags {
  const values = new Map<string, string>();
  const pairs: [string, string, string][] = [];
  let index = 0;
  for (; index < line.length; index += 1) {
    const word = line[index] ?? '';
    if (word === '--') {
      index += 1;
      break;
    }
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) break;
    const [, name = '', given] = match;
    if (notPlayed.includes(name)) return { kind: 'not-played', flag: name };
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) return { kind: 'wrong', message: `flag provided but not defined: -${name}` };
    const value = given ?? (kind === 'bool' ? 'true' : line[(index += 1)]);
    if (value === undefined) return { kind: 'wrong', message: `flag needs an argument: -${name}` };
    if (!isOf(kind, value))
      return { kind: 'wrong', message: `invalid value ${JSON.stringify(value)} for flag -${name}` };
    values.set(name, value);
    if (kind === 'pair') {
      const separator = value.indexOf('=');
      pairs.push([name, value.slice(0, separator), value.slice(separator + 1)]);
    }
  }
  const flags: GoFlags = {
    text: (name) => values.get(name) ?? '',
    number: (name, fallback) => Number(values.get(name) ?? fallback),
    pairs: (name) =>
      Object.fromEntries(pairs.filter(([flag]) => flag === name).map(([, key, value]) => [key, value])),
    has: (name) => TRUE.includes(values.get(name) ?? ''),
  };
  return { kind: 'flags', flags, rest: line.slice(index) };
}

function isOf(kind: Kind, value: string): boolean {
  if (kind === 'pair') return value.includes('=');
  if (kind === 'int') return /^[+-]?\d+$/.test(value);
  return kind === 'string' || TRUE.includes(value) || FALSE.includes(value);
}
