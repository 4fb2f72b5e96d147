/** Finds the command, reads its flags, runs it, and turns whatever goes wrong into a message and an exit code. */
import { parseFlags, type Flags } from '../config/parse-flags.ts';
import { hasCode, TandemError } from '../support/errors.ts';
import { nearest, quote } from '../support/text.ts';
import { Misuse, type Command } from './command.ts';
import { exit, type Context, type ExitCode } from '../runtime/context.ts';
import { commands, isCommandName, type CommandName } from './commands.ts';
import { commandHelp, overview } from './help.ts';
import { tell } from '../runtime/tell.ts';

/** @param argv the words after the program's name */
export async function runCommand(argv: readonly string[], context: Context): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    context.stdout.write(overview());
    return exit.done;
  }
  if (name === '--version') return runCommand(['version'], context);
  if (!isCommandName(name)) {
    tell(context.stderr, `tandem: ${unknownCommand(name)}`);
    return exit.usage;
  }
  return runLoaded(name, await commands[name].load(), rest, context);
}

async function runLoaded(
  name: CommandName,
  command: Command<Flags>,
  argv: readonly string[],
  context: Context,
): Promise<ExitCode> {
  if (argv.includes('--help') || argv.includes('-h')) {
    context.stdout.write(commandHelp(name, command));
    return exit.done;
  }
  const parsed = parseFlags(command.flags, argv, context.environment);
  const problems = [...(parsed.ok ? [] : parsed.problems), ...(command.check?.(parsed.values) ?? [])];
  if (!parsed.ok || problems.length > 0) return usageProblems(name, problems, context);
  if (command.operands === '' && parsed.positionals.length > 0) {
    // An auto-join string without quotes comes here in parts, one of which may be the key of a cloud provider.
    const first = (parsed.positionals[0] ?? '').replace(/=.*/s, '=…');
    return usageProblems(name, [`${quote(first)} is not expected here`], context);
  }
  if (parsed.positionals.filter((operand) => operand === '-').length > 1)
    return usageProblems(name, ['standard input (-) can be read only once'], context);
  try {
    return await command.run(parsed.values, parsed.positionals, context);
  } catch (error) {
    if (error instanceof Misuse) {
      tell(context.stderr, `tandem ${name}: ${error.message}`);
      return exit.usage;
    }
    for (const line of describeError(error)) tell(context.stderr, `tandem ${name}: ${line}`);
    return hasCode(error, 'TANDEM_FILE_UNREADABLE') ? exit.unreadable : exit.internal;
  }
}

function usageProblems(name: CommandName, problems: readonly string[], context: Context): ExitCode {
  for (const problem of problems) tell(context.stderr, `tandem ${name}: ${problem}`);
  tell(context.stderr, `Try "tandem ${name} --help".`);
  return exit.usage;
}

function describeError(error: unknown): readonly string[] {
  if (error instanceof TandemError) return [error.message];
  // Not a coded error, so it is a bug: a report needs the stack, and the terminal is the place for it.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `unexpected error: ${text}`.split('\n');
}

function unknownCommand(name: string): string {
  const near = nearest(name, Object.keys(commands));
  return `${quote(name)} is not a command${near === undefined ? '.' : `; did you mean "${near}"?`} Try "tandem --help".`;
}
