/** Test files that each have a process of their own, in an order of ours: `node --test` takes them by their names. */
import { globSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

export type Suite = {
  /** Pattern of all its files. */
  readonly files: string;
  /** Files to begin with, without their ending: one that takes minutes and came last would go on alone. */
  readonly longestFirst: readonly string[];
  /** Of its command, as `--help` prints it. */
  readonly usage: string;
};

/** What to exit with: the help, or what is wrong with the arguments of this process, at once; else what running their files tells. */
export async function runSuite(
  suite: Suite,
  runRequested: (files: readonly string[]) => Promise<number>,
): Promise<number> {
  const request = requestedFiles(process.argv.slice(2), suite);
  if (request === 'help') {
    process.stdout.write(suite.usage);
    return 0;
  }
  if (typeof request === 'string') {
    process.stderr.write(`${request}\n\n${suite.usage}`);
    return 2;
  }
  return runRequested(request);
}

/** Files that the arguments ask for, all when they name none; `help`; or what is wrong with them. */
export function requestedFiles(
  args: readonly string[],
  suite: Omit<Suite, 'usage'>,
): readonly string[] | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h', default: false } },
    });
    if (values.help) return 'help';
    const patterns = positionals.length > 0 ? positionals : [suite.files];
    const nowhere = patterns.find((pattern) => globSync(pattern).length === 0);
    return nowhere === undefined ? ordered(globSync(patterns), suite) : `${nowhere}: no such file`;
  } catch (error) {
    return (error as Error).message;
  }
}

function ordered(files: readonly string[], { longestFirst }: Pick<Suite, 'longestFirst'>): readonly string[] {
  const last = longestFirst.length;
  const place = (file: string): number => {
    const found = longestFirst.findIndex((name) => file.endsWith(`/${name}.test.ts`));
    return found < 0 ? last : found;
  };
  return files.toSorted().toSorted((one, other) => place(one) - place(other));
}

export type Running = {
  readonly atOnce: number;
  /** For a file, and for a test. */
  readonly milliseconds: number;
  readonly signal: AbortSignal;
  /** Beside that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** Whether all passed. Node's runner starts so many files at once, tells of one after the other, and counts all. */
export async function runFiles(files: readonly string[], running: Running): Promise<boolean> {
  let passed = false;
  const events = run({
    files: [...files],
    concurrency: running.atOnce,
    timeout: running.milliseconds,
    signal: running.signal,
    env: { ...process.env, ...running.environment },
  });
  // One for each file, and one of all without a file.
  events.on('test:summary', ({ file, success }) => {
    if (file === undefined) passed = success;
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout);
  await finished(report);
  return passed;
}
