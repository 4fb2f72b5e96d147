/** Command line and environment → frozen values, or every problem at once. A flag beats a variable, a variable the default. */
import { parseArgs } from 'node:util';
import { nearest, quote } from '../support/text.ts';
import { describeFlagProblem, type Flag } from './flag.ts';

// Each flag keeps its own value type in FlagValues; here only its shape matters.
// oxlint-disable-next-line typescript/no-explicit-any
export type Flags = { readonly [name: string]: Flag<any> };

export type FlagValues<F extends Flags> = {
  readonly [N in keyof F]: F[N] extends Flag<infer T> ? T : never;
};

export type Environment = { readonly [name: string]: string | undefined };

type ParsedFlags<F extends Flags> =
  | { readonly ok: true; readonly values: FlagValues<F>; readonly positionals: readonly string[] }
  /** A value that could not be read is the default, so that the rules between flags can still be checked. */
  | { readonly ok: false; readonly values: FlagValues<F>; readonly problems: readonly string[] };

/** `consulHttpAddr` is `--consul-http-addr`. */
export function flagName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `consulHttpAddr` is `TANDEM_CONSUL_HTTP_ADDR`. */
export function variableName(key: string): string {
  return `TANDEM_${flagName(key).slice(2).replaceAll('-', '_').toUpperCase()}`;
}

/**
 * @param flags by camel-case key
 * @param argv the words after the command
 */
export function parseFlags<F extends Flags>(
  flags: F,
  argv: readonly string[],
  environment: Environment,
): ParsedFlags<F> {
  const commandLine = readCommandLine(flags, argv);
  const problems = [...commandLine.problems];
  const values: Record<string, unknown> = {};
  for (const [key, flag] of Object.entries(flags)) {
    values[key] = flag.default;
    const given = commandLine.given.get(key) ?? fromEnvironment(key, flag, environment);
    if (given === undefined) continue;
    const result = flag.parse(given.text);
    if (result.ok) values[key] = result.value;
    else
      problems.push(
        describeFlagProblem(given.source, given.text, result.expected, flag.secret || result.secret === true),
      );
  }
  const frozen = Object.freeze(values) as FlagValues<F>;
  if (problems.length > 0) return { ok: false, values: frozen, problems };
  return { ok: true, values: frozen, positionals: commandLine.positionals };
}

type Given = { readonly source: string; readonly text: string };

function fromEnvironment(key: string, flag: Flag<unknown>, environment: Environment): Given | undefined {
  for (const source of [variableName(key), ...flag.variables]) {
    const text = environment[source];
    if (text !== undefined && text !== '') return { source, text };
  }
  return undefined;
}

function readCommandLine(flags: Flags, argv: readonly string[]) {
  const keys = new Map(Object.keys(flags).map((key) => [flagName(key).slice(2), key]));
  const options = Object.fromEntries(
    Object.entries(flags).map(([key, flag]) => [
      flagName(key).slice(2),
      { type: flag.placeholder === '' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  const given = new Map<string, Given>();
  const positionals: string[] = [];
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const key = keys.get(token.name);
    if (key === undefined) {
      problems.push(unknownFlag(token.rawName, [...keys.keys()]));
    } else if (flags[key]?.environmentOnly === true) {
      problems.push(
        `${token.rawName}: a secret is not taken from the command line; set the variable ${variableName(key)}`,
      );
    } else if (flags[key]?.placeholder === '') {
      given.set(key, { source: token.rawName, text: token.value ?? 'true' });
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      problems.push(`${token.rawName}: it needs a value (${token.rawName}=${flags[key]?.placeholder})`);
    } else {
      given.set(key, { source: token.rawName, text: token.value });
    }
  }
  return { given, positionals, problems };
}

function unknownFlag(rawName: string, names: readonly string[]): string {
  const near = nearest(rawName.replace(/^-+/, ''), names);
  return `${quote(rawName)} is not a flag of this command${near === undefined ? '' : `; did you mean --${near}?`}`;
}
