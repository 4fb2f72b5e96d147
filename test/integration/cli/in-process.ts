/** Commands as `main` runs them, in the process of the test: for what a process of its own would not change. */
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCommand } from '../../../src/cli/run-command.ts';
import type { Finished } from './tandem-process.ts';

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
