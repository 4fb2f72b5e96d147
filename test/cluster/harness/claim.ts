/** Clusters that several files of tests have in turn: each is of one process at a time. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { eventually } from '../../real/harness/eventually.ts';

/**
 * The first that no other process has. It stays with this process until that ends, however it ends: the claim is a socket in the
 * abstract namespace (unix(7)), which the kernel takes back.
 *
 * @param folders of the clusters, at least as many as there are processes that want one
 */
export async function claimCluster(folders: readonly string[]): Promise<string> {
  // A process that has just ended may hold its own a moment longer.
  return eventually('a cluster that no other file of tests has', async () => {
    for (const folder of folders) if (await isClaimed(`\0${folder}`)) return folder;
    throw new Error(`all are taken: ${folders.join(', ')}`);
  });
}

/** Whether it is this process's now. */
async function isClaimed(name: string): Promise<boolean> {
  const server = createServer().listen(name).unref();
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}
