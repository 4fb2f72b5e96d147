/** Ends clusters that were left to themselves, and tidies what keepers left that were killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterFolders, clustersRoot, exclusively, isAlive, removeCluster } from './cluster-folder.ts';

export type TakenDown = {
  readonly ended: readonly string[];
  /** Those whose starter still runs, such as a suite of tests: they end with it, and are not ours to end. */
  readonly left: readonly string[];
};

/** Resolves when nothing is left of them. */
export async function takeDown(): Promise<TakenDown> {
  const all = clusterFolders();
  const left = all.filter(({ keeper }) => keeper?.isLetGo === false);
  const ours = all.filter((each) => !left.includes(each));
  for (const { keeper } of ours) {
    if (keeper === undefined) continue;
    process.kill(keeper.pid, 'SIGTERM');
    while (isAlive(keeper)) await sleep(50);
  }
  if (ours.length > 0)
    await exclusively(clustersRoot(), async () => {
      for (const folder of clusterFolders()) if (folder.keeper === undefined) await removeCluster(folder);
    });
  return { ended: ours.map(({ path }) => path), left: left.map(({ path }) => path) };
}
