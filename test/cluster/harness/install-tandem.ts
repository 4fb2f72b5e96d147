/** Installs the chart of this clone as the README's quick start does. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { partPath } from '../../real/parts.ts';

const CHART = join(import.meta.dirname, '../../../deploy/charts/tandem');
const NAMESPACE = 'tandem';
const run = promisify(execFile);

/** Resolves when everything of it is Ready. Rejects, with the pods and their events, when something does not become so in 5 min. */
export async function installTandem(
  kubeconfig: string,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const tool = async (name: 'kubectl' | 'helm', line: string): Promise<string> => {
    const environment = { ...process.env, KUBECONFIG: kubeconfig };
    return (await run(partPath(name), line.split(' '), { env: environment, signal })).stdout;
  };
  say('installing Tandem');
  try {
    await tool('kubectl', `create namespace ${NAMESPACE}`);
    await tool('kubectl', `label namespace ${NAMESPACE} pod-security.kubernetes.io/enforce=privileged`);
    // Three servers on two nodes.
    const values = '--set server.affinity=preferred';
    await tool('helm', `install tandem ${CHART} --namespace ${NAMESPACE} ${values} --wait --timeout 5m`);
    // helm is content with one agent less than there are nodes.
    await tool('kubectl', `wait --namespace ${NAMESPACE} --for=condition=Ready pod --all --timeout=1m`);
  } catch (error) {
    if (signal.aborted) throw error;
    const pods = await tool('kubectl', `get pods --namespace ${NAMESPACE} --output wide`);
    const events = await tool('kubectl', `get events --namespace ${NAMESPACE}`);
    throw new Error(`Tandem does not become Ready: ${(error as Error).message}\n${pods}\n${events}`, {
      cause: error,
    });
  }
  say('Tandem is Ready: three Consul servers, two agents, the webhook, the sync');
}
