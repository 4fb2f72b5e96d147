/** What a command is; everything of the process reaches it through its context. */
import type { Flags, FlagValues } from '../config/parse-flags.ts';
import type { Context, ExitCode } from '../runtime/context.ts';

export type Command<F extends Flags> = {
  /** What follows the flags in the usage line: `[FILE…|DIR|-]`; empty when nothing may follow. */
  readonly operands: string;
  readonly flags: F;
  /** Rules between flags; a sentence for each that is broken. */
  readonly check?: (values: FlagValues<F>) => readonly string[];
  /** Command lines that work as they are written. */
  readonly examples: readonly string[];
  readonly run: (
    values: FlagValues<F>,
    positionals: readonly string[],
    context: Context,
  ) => Promise<ExitCode>;
};

/** What operands rule out, alone or with flags; run-command.ts tells it. */
export class Misuse extends Error {}

/**
 * Keeps the flags' value types while a command is written as a literal, and returns the shape that the table of commands
 * holds: the runner parses the values of a command by that command's own flags.
 */
export function command<F extends Flags>(definition: Command<F>): Command<Flags> {
  return definition as unknown as Command<Flags>;
}
