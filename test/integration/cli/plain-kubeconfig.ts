/** A kubeconfig for a server that asks nobody who they are. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes it as `config` into the folder; `server` is a URL. */
export async function writePlainKubeconfig(folder: string, server: string): Promise<void> {
  const kubeconfig = {
    'current-context': 'a',
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    clusters: [{ name: 'a', cluster: { server } }],
    users: [{ name: 'a', user: {} }],
  };
  await writeFile(join(folder, 'config'), JSON.stringify(kubeconfig));
}
