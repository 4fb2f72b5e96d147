/** The redirector of a node and what waits for it, in network namespaces: in a process of its own, whose network ends with it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Needs root. */
export function benchRedirection(short: boolean): void {
  const script = join(import.meta.dirname, 'redirection/in-own-network.ts');
  const { status } = spawnSync(process.execPath, [script, ...(short ? ['--short'] : [])], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`the figures of the redirection ended with ${status}`);
}
