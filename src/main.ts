/** The only reader of the process: arguments, environment, standard streams, signals. */
import process from 'node:process';
import { runCommand } from './cli/run-command.ts';

/** Runs the command that the arguments name and sets the exit code. */
export async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => stop.abort());
  }
  // A reader that has seen enough (`tandem inject … | head`) closes the pipe: not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.exitCode = await runCommand(process.argv.slice(2), {
    nodeVersion: process.versions.node,
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
  });
}
