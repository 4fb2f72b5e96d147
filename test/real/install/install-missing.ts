/** Brings in one part after the other; what goes wrong with one does not keep the others away. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Part } from '../part-table.ts';
import { installPart } from './install-part.ts';
import { withInstallLock } from './install-lock.ts';
import { startProgress, type Output } from './progress.ts';
import { runTool } from './run-tool.ts';

export type Installation = {
  /** The folder of the cache. */
  readonly root: string;
  /** The path of the binary of a part that is installed. */
  readonly find: (part: Part) => string | undefined;
  /** Ends the tool that runs, and with it the installation. */
  readonly signal: AbortSignal;
  readonly output: Output;
};

export type PartOutcome =
  | { readonly kind: 'present' | 'installed' | 'interrupted'; readonly part: Part }
  | { readonly kind: 'failed'; readonly part: Part; readonly message: string };

/** One outcome a part, in the order of the parts. Rejects only when the lock of the cache cannot be had. */
export async function installMissing(
  parts: readonly Part[],
  installation: Installation,
): Promise<readonly PartOutcome[]> {
  const { root, find, signal, output } = installation;
  if (parts.every((part) => find(part) !== undefined))
    return parts.map((part) => present(part, installation));
  const onWait = (): unknown => output.write('Waiting for another installation\n');
  return withInstallLock(root, onWait, signal, async () => {
    const outcomes: PartOutcome[] = [];
    // One at a time: a build takes all cores as it is.
    for (const part of parts) {
      outcomes.push(
        find(part) === undefined ? await install(part, installation) : present(part, installation),
      );
    }
    return outcomes;
  });
}

function present(part: Part, { find, output }: Installation): PartOutcome {
  output.write(`${part.name}: ${find(part)}\n`);
  return { kind: 'present', part };
}

async function install(part: Part, { root, find, signal, output }: Installation): Promise<PartOutcome> {
  if (signal.aborted) return { kind: 'interrupted', part };
  const { report, finish } = startProgress(part, output, Date.now);
  try {
    await installPart(root, part, {
      partsFolder: join(import.meta.dirname, '../parts'),
      isRoot: userInfo().uid === 0,
      run: (command, toolArguments, options) => runTool(command, toolArguments, { ...options, signal }),
      report,
    });
    if (find(part) === undefined)
      throw new Error(`everything went well, but ${part.name} is nowhere to be found`);
    finish('installed');
    return { kind: 'installed', part };
  } catch (error) {
    const kind = signal.aborted ? 'interrupted' : 'failed';
    finish(kind);
    if (kind === 'interrupted') return { kind, part };
    const message = error instanceof Error ? error.message : String(error);
    output.write(`${message}\n`);
    return { kind, part, message };
  }
}
