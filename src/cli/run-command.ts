/** Finds the command, reads its flags, runs it, and turns whatever goes wrong into words and an exit code. */
import { parseFlags, type Flags } from '../config/parse-flags.ts';
import { TandemError } from '../support/errors.ts';
import { nearest, quote } from '../support/text.ts';
import { exit, type Command, type Context, type ExitCode } from './command.ts';
import { commands, isCommandName } from './commands.ts';
import { commandHelp, overview } from './help.ts';

/** @param argv the words after the program's name */
export async function runCommand(argv: readonly string[], context: Context): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    context.stdout.write(overview());
    return exit.done;
  }
  if (name === '--version') return runCommand(['version'], context);
  if (!isCommandName(name)) {
    context.stderr.write(`tandem: ${unknownCommand(name)}\n`);
    return exit.usage;
  }
  return runLoaded(await commands[name].load(), rest, context);
}

async function runLoaded(
  command: Command<Flags>,
  argv: readonly string[],
  context: Context,
): Promise<ExitCode> {
  if (argv.includes('--help') || argv.includes('-h')) {
    context.stdout.write(commandHelp(command));
    return exit.done;
  }
  const parsed = parseFlags(command.flags, argv, context.environment);
  const problems = [...(parsed.ok ? [] : parsed.problems), ...(command.check?.(parsed.values) ?? [])];
  if (!parsed.ok || problems.length > 0) return usageProblems(command, problems, context);
  if (command.operands === '' && parsed.positionals.length > 0) {
    return usageProblems(command, [`${quote(parsed.positionals[0] ?? '')} is not expected here`], context);
  }
  try {
    return await command.run(parsed.values, parsed.positionals, context);
  } catch (error) {
    context.stderr.write(`tandem ${command.name}: ${describeError(error)}\n`);
    return error instanceof TandemError && error.code === 'TANDEM_FILE_UNREADABLE'
      ? exit.unreadable
      : exit.internal;
  }
}

function usageProblems(command: Command<Flags>, problems: readonly string[], context: Context): ExitCode {
  for (const problem of problems) context.stderr.write(`tandem ${command.name}: ${problem}\n`);
  context.stderr.write(`Try "tandem ${command.name} --help".\n`);
  return exit.usage;
}

function describeError(error: unknown): string {
  if (error instanceof TandemError) return error.message;
  // Not one of ours, so a bug: the stack is what a report needs, and a terminal is the place for it.
  return error instanceof Error
    ? `unexpected error: ${error.stack ?? error.message}`
    : `unexpected error: ${String(error)}`;
}

function unknownCommand(name: string): string {
  const near = nearest(name, Object.keys(commands));
  return `${quote(name)} is no command${near === undefined ? '' : `; did you mean "${near}"?`} Try "tandem --help".`;
}
