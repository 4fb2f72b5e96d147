/** Commands as `main` runs them, in the process of the test: for what a process of its own would not change. */
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCommand } from '../../../src/cli/run-command.ts';
import type { Finished } from './tandem-process.ts';

export type StartedInProcess = {
  /** What it wrote so far, to both streams. */
  readonly log: () => string;
  /** As SIGTERM does; resolves when it has ended. */
  readonly stop: () => Promise<void>;
};

/** Of a command that goes on. @param environment all that it sees of one */
export function startInProcess(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): StartedInProcess {
  const ending = new AbortController();
  const output = new PassThrough({ encoding: 'utf8' });
  let log = '';
  output.on('data', (chunk: string) => (log += chunk));
  const ended = runCommand(argv, {
    nodeVersion: process.versions.node,
    environment,
    stdin: Readable.from([]),
    stdout: output,
    stderr: output,
    signal: ending.signal,
  });
  return {
    log: () => log,
    stop: async () => {
      ending.abort();
      await ended;
    },
  };
}

/** Of a command that ends by itself. @param environment all that it sees of one */
export async function runInProcess(
  argv: readonly string[],
  stdin: string | Buffer = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const code = await runCommand(argv, {
    nodeVersion: process.versions.node,
    environment,
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout,
    stderr,
    signal: new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  const [out, said] = await texts;
  return { code, stdout: out, stderr: said };
}
