/** The real program as a child process. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { childEnvironment } from '../../real/harness/child-environment.ts';
import { TANDEM } from '../../real/harness/tandem-program.ts';

export type Finished = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** @param program words for Node in front of the arguments */
export function spawnTandem(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  program: readonly string[] = [TANDEM],
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [...program, ...args], { env: childEnvironment(environment) });
}

export async function runTandem(
  args: readonly string[],
  stdin: string | Buffer = '',
  environment: NodeJS.ProcessEnv = {},
  program?: readonly string[],
): Promise<Finished> {
  const child = spawnTandem(args, environment, program);
  // A command that does not read its input may be gone before all of it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** Log lines of a running process, parsed; the promise ends with the first that has this message. */
export function logLine(
  child: ChildProcessWithoutNullStreams,
  message: string,
): Promise<Record<string, unknown>> {
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      if (entry['msg'] === message) resolve(entry);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before "${message}"`)));
  });
}
