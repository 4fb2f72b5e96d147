/** Ends clusters that were left to themselves, and tidies what keepers left that were killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterFolders, clustersRoot, exclusively, isAlive, removeCluster } from './cluster-folder.ts';

// It takes a few seconds, on a busy machine perhaps ten.
const KEEPER_MILLISECONDS = 30_000;

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
    const deadline = performance.now() + KEEPER_MILLISECONDS;
    while (isAlive(keeper) && performance.now() < deadline) await sleep(50);
    // One that hangs: what it started ends with it, and the rest is done here.
    if (isAlive(keeper)) process.kill(keeper.pid, 'SIGKILL');
    while (isAlive(keeper)) await sleep(50);
  }
  if (ours.length > 0)
    await exclusively(clustersRoot(), async () => {
      for (const folder of clusterFolders()) if (folder.keeper === undefined) await removeCluster(folder);
    });
  return { ended: ours.map(({ path }) => path), left: left.map(({ path }) => path) };
}
