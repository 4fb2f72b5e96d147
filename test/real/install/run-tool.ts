/** Runs one tool to its end, and keeps of its output what explains a failure. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Environment } from '../parts.ts';

// As much as a person reads on one screen; the cause is nearly always in the last lines.
export const TAIL_LINES = 20;

export type ToolOptions = {
  readonly folder: string;
  /** Set on top of the environment of this process. */
  readonly environment: Environment;
  readonly signal: AbortSignal;
  /** Sees each line that the tool prints; true keeps it out of the tail of a failure. */
  readonly isProgress: (line: string) => boolean;
};

/**
 * The lines that the tool printed, in the order of their arrival. Throws with the command and the tail of them when
 * the tool is not there, ends non-zero, or is interrupted by the signal.
 */
export async function runTool(
  command: string,
  toolArguments: readonly string[],
  { folder, environment, signal, isProgress }: ToolOptions,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const child = spawn(command, toolArguments, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // What a terminal sends: go and pip then end their own children and remove their temporary files. Its end is
  // awaited all the same, so that nothing writes any more when the caller tidies up.
  const interrupt = (): boolean => child.kill('SIGINT');
  signal.addEventListener('abort', interrupt);
  const output: string[] = [];
  const tail: string[] = [];
  const read = (line: string): void => {
    output.push(line);
    if (!isProgress(line)) tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', read);
  try {
    const [status] = await once(child, 'close');
    signal.throwIfAborted();
    if (status !== 0)
      throw new Error([`${[command, ...toolArguments].join(' ')} failed:`, ...tail].join('\n  '));
    return output;
  } catch (error) {
    throw isMissing(error) ? new Error(`${command} is not in the PATH`, { cause: error }) : error;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
