/** The redirector of a node, and redirected pods, in network namespaces: in processes of their own, whose networks end with them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Needs root. */
export function benchRedirection(short: boolean): void {
  for (const script of ['in-own-network.ts', 'in-mesh.ts']) {
    const args = [join(import.meta.dirname, 'redirection', script), ...(short ? ['--short'] : [])];
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`the figures of the redirection ended with ${status}`);
  }
}
