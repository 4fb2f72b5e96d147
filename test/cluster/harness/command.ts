/** Short commands. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Standard output; rejects with the command's name and what it said to standard error. The signal kills it. */
export async function command(
  name: string,
  args: readonly string[],
  environment = process.env,
  signal?: AbortSignal,
): Promise<string> {
  try {
    const options = { env: environment, maxBuffer: 16 * 1024 * 1024, killSignal: 'SIGKILL', signal } as const;
    return (await run(name, args, options)).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`${name} ${args.join(' ')}: ${stderr.trim() || message}`, { cause: error });
  }
}
