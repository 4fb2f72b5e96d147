/** The only reader of the process: arguments, environment, standard streams, signals. */
import process from 'node:process';
import { isServing } from './cli/commands.ts';
import { runCommand } from './cli/run-command.ts';

/** Milliseconds in which a command that is told to stop may end by itself: more than a log-out takes. */
const PATIENCE = 1000;

/** Runs the command that the arguments name and sets the exit code. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.abort();
      // Whoever waits at a terminal waits no longer for an answer; until then it may log out. Its handler is gone by now.
      if (!isServing(argv)) setTimeout(() => process.kill(process.pid, signal), PATIENCE).unref();
    });
  }
  // A reader that has seen enough (`tandem inject … | head`) closes the pipe: not an error. Any other trouble with the
  // output is no reason to end a server; a command that ends without its output has failed.
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost = error;
  });
  process.stderr.on('error', () => undefined);
  const code = await runCommand(argv, {
    nodeVersion: process.versions.node,
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  });
  // The last output is not written yet.
  await new Promise((resolve) => setImmediate(resolve));
  if (lost !== undefined) process.stderr.write(`tandem: the output could not be written: ${lost.message}\n`);
  process.exitCode = code === 0 && lost !== undefined ? 1 : code;
}
