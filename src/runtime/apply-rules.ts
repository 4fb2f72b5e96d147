/** Writes the rules of nft into the network namespace of another process. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { processStart, type ProcessFiles, type WaitingProcess } from '../redirection/process-scan.ts';
import type { Redirection } from '../redirection/redirector.ts';
import { reasonOf } from '../support/errors.ts';

// nft takes milliseconds; one that hangs must not hold up other pods forever.
const TIMEOUT = 10_000;
const MOST_CHARACTERS = 1000;

/**
 * Never in the namespace of the machine, nor in its own: a pod with the network of its node, or a mistake, would cut off the
 * whole node.
 */
export async function applyRules(
  files: ProcessFiles,
  process: WaitingProcess,
  rules: string,
): Promise<Redirection> {
  let namespace: number | undefined;
  try {
    // Checked first: a process may leave the network of the node at any moment, and cannot come back.
    const its = networkOf(process.pid);
    // While it is open it stays the same, whatever happens to the process and its id.
    namespace = openSync(`/proc/${process.pid}/ns/net`, 'r');
    const isTaboo = [networkOf(1), networkOf('self')].includes(its);
    if (processStart(files, process.pid) !== process.start) return { kind: 'gone' };
    if (isTaboo) return { kind: 'failed', why: 'its network is that of the node, or of the redirector' };
    return await runNft(namespace, rules);
  } catch (error) {
    // A process that has ended and is not collected yet has no namespace either.
    const isGone = ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (isGone || processStart(files, process.pid) !== process.start) return { kind: 'gone' };
    return { kind: 'failed', why: reasonOf(error) };
  } finally {
    if (namespace !== undefined) closeSync(namespace);
  }
}

/** A file that is different in each network: unlike the namespace of a process, anybody may look at it. */
function networkOf(process: number | 'self'): string {
  const { dev, ino } = statSync(`/proc/${process}/net/dev`);
  return `${dev} ${ino}`;
}

// The child has the namespace as its descriptor 3.
const NFT = ['--net=/proc/self/fd/3', '--', 'nft', '-f', '-'];

function runNft(namespace: number, rules: string): Promise<Redirection> {
  return new Promise((resolve) => {
    const child = spawn('nsenter', NFT, {
      stdio: ['pipe', 'ignore', 'pipe', namespace],
      timeout: TIMEOUT,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < MOST_CHARACTERS) said += text;
    });
    // A process that ends before it has read everything says so by its exit code.
    child.stdin?.on('error', () => undefined).end(rules);
    child.on('error', ({ message }) => resolve({ kind: 'failed', why: message }));
    child.on('close', (code, signal) => {
      const why = said.trim() || `nft ended with ${code ?? signal}`;
      resolve(code === 0 ? { kind: 'applied' } : { kind: 'failed', why });
    });
  });
}
