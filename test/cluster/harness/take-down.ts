/** Ends clusters that were left to themselves, and tidies what keepers left that were killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  clusterFolders,
  clustersRoot,
  exclusively,
  isAlive,
  removeCluster,
  type ClusterFolder,
  type Keeper,
} from './cluster-folder.ts';

// It takes a few seconds, on a busy machine perhaps ten.
const KEEPER_MILLISECONDS = 30_000;

export type TakenDown = {
  readonly ended: readonly ClusterFolder[];
  /** Those whose starter still runs, such as a suite of tests: they end with it, and are not ours to end. */
  readonly left: readonly ClusterFolder[];
};

/** Resolves when nothing is left of them. */
export async function takeDown(): Promise<TakenDown> {
  const all = clusterFolders();
  const left = all.filter(({ keeper }) => keeper !== undefined && isOwned(keeper));
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
  return { ended: ours, left };
}

/** With a starter that was killed, the keeper is about to end, and is waited for. One that is not known may be there. */
function isOwned({ isLetGo, starter }: Pick<Keeper, 'isLetGo' | 'starter'>): boolean {
  return !isLetGo && (starter === undefined || isAlive(starter));
}
