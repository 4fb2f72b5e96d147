/** What a command is, and what it may touch: everything of the process reaches it through its context. commands.ts names it. */
import type { Readable, Writable } from 'node:stream';
import type { Environment, Flags, FlagValues } from '../config/parse-flags.ts';

/** Exit codes of every command (65 and 69 as in sysexits.h: EX_DATAERR, EX_UNAVAILABLE). */
export const exit = {
  done: 0,
  internal: 1,
  usage: 2,
  changes: 3,
  unreadable: 65,
  denied: 69,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** stdout is data, stderr is talk. */
export type Context = {
  readonly nodeVersion: string;
  readonly environment: Environment;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborts at SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
};

export type Command<F extends Flags> = {
  /** What follows the flags in the usage line: `[FILE…|DIR|-]`; empty when nothing may follow. */
  readonly operands: string;
  readonly flags: F;
  /** Rules between flags; a sentence for each that is broken. */
  readonly check?: (values: FlagValues<F>) => readonly string[];
  /** Command lines that work as they stand. */
  readonly examples: readonly string[];
  readonly run: (
    values: FlagValues<F>,
    positionals: readonly string[],
    context: Context,
  ) => Promise<ExitCode>;
};

/**
 * Keeps the flags' value types while a command is written as a literal, and gives the shape that the table of commands
 * holds: the runner parses the values of a command by that command's own flags.
 */
export function command<F extends Flags>(definition: Command<F>): Command<Flags> {
  return definition as unknown as Command<Flags>;
}
