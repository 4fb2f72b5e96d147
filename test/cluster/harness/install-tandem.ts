/** Installs Tandem by the commands of the README's quick start, word for word. */
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { commandsUnder } from './documented.ts';
import { ownFolders } from './programs.ts';

const ROOT = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

const [QUICK_START = []] = commandsUnder('In a cluster');
const INSTALLED = QUICK_START.findIndex((line) => line.startsWith('helm install ')) + 1;

export const INSTALL_COMMANDS = QUICK_START.slice(0, INSTALLED);
/** What the README goes on with. */
export const NEXT_COMMANDS = QUICK_START.slice(INSTALLED);

/** Resolves when everything of it is Ready. Rejects with the pods and their events when something does not become so. */
export async function installTandem(
  kubeconfig: string,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const PATH = [...ownFolders(['kubectl', 'helm']), process.env['PATH']].join(delimiter);
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH };
  const shell = async (line: string): Promise<string> =>
    (await run('sh', ['-c', line], { cwd: ROOT, env, signal })).stdout;
  try {
    for (const line of INSTALL_COMMANDS) {
      say(line);
      await shell(line);
    }
    // helm is content with an agent less than there are nodes.
    await shell('kubectl wait -n tandem --for=condition=Ready pod --all --timeout=2m');
  } catch (error) {
    if (signal.aborted) throw error;
    const seen = await shell('kubectl get pods,events -n tandem -o wide');
    throw new Error(`Tandem does not become Ready: ${(error as Error).message}\n${seen}`, { cause: error });
  }
  say('Tandem is Ready');
}
