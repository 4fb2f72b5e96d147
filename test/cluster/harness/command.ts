/** Short commands. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Standard output; rejects with the command's name and what it said to standard error. */
export async function command(
  name: string,
  args: readonly string[],
  environment = process.env,
): Promise<string> {
  try {
    return (await run(name, args, { env: environment, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`${name} ${args.join(' ')}: ${stderr.trim() || message}`, { cause: error });
  }
}
