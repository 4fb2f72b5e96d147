/** The folders of clusters, and who keeps each. Those whose keeper has been killed are tidied from here. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../../real/parts.ts';
import { withInstallLock } from '../../real/install/install-lock.ts';
import { addressPlan, chooseNetwork, type AddressPlan } from './address-plan.ts';
import { cgroupOf } from './node.ts';
import { removeCgroup } from './cgroups.ts';
import { machineRoutes, removeLink } from './network.ts';
import { born } from './process-birth.ts';

export type ClusterFolder = {
  readonly id: string;
  readonly path: string;
  readonly kubeconfig: string;
  readonly socket: string;
  readonly keeper: Keeper | undefined;
};

/** A process: its id may be given to another one, but not together with the moment of its start. */
type Keeper = {
  readonly pid: number;
  readonly born: string | undefined;
  /** It goes on without the process that started it. */
  readonly isLetGo: boolean;
};

const KEEPER = 'keeper.json';

export function clustersRoot(): string {
  return join(cacheRoot(process.env, homedir()), 'clusters');
}

export function storesRoot(): string {
  return join(cacheRoot(process.env, homedir()), 'nodes');
}

export function clusterFolders(root = clustersRoot()): readonly ClusterFolder[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).map((id) => clusterFolder(root, id));
}

function clusterFolder(root: string, id: string): ClusterFolder {
  const path = join(root, id);
  return {
    id,
    path,
    kubeconfig: join(path, 'kubeconfig'),
    socket: join(path, 'keeper.sock'),
    keeper: keeperOf(path),
  };
}

/** Undefined when it does not live any more. */
function keeperOf(path: string): Keeper | undefined {
  try {
    const keeper = JSON.parse(readFileSync(join(path, KEEPER), 'utf8')) as Keeper;
    return isAlive(keeper) ? keeper : undefined;
  } catch {
    return undefined;
  }
}

export function isAlive(keeper: Keeper): boolean {
  return keeper.born !== undefined && keeper.born === born(keeper.pid);
}

/**
 * Takes an address range and a folder for this process. First it tidies what keepers left that were killed.
 *
 * @throws when no range is free, with what to do
 */
export async function claimFolder(
  wanted: string | undefined,
): Promise<{ readonly plan: AddressPlan; readonly folder: ClusterFolder }> {
  const root = clustersRoot();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return exclusively(root, async () => {
    for (const left of clusterFolders(root)) if (left.keeper === undefined) await removeCluster(left);
    const taken = clusterFolders(root).map(({ id }) => id);
    const choice = chooseNetwork(wanted, await machineRoutes(), taken);
    if (choice.kind === 'refused') throw new Error(choice.problem);
    const plan = addressPlan(choice.network);
    const path = join(root, plan.id);
    mkdirSync(path, { mode: 0o700 });
    writeKeeper(path, false);
    return { plan, folder: clusterFolder(root, plan.id) };
  });
}

/** The keeper, which calls this, goes on without the process that started it. */
export function letGo({ path }: ClusterFolder): void {
  writeKeeper(path, true);
}

function writeKeeper(path: string, isLetGo: boolean): void {
  const keeper: Keeper = { pid: process.pid, born: born(process.pid), isLetGo };
  writeFileSync(join(path, KEEPER), JSON.stringify(keeper));
}

/** One process at a time: what happens there is short, or every other one needs its outcome. */
export async function exclusively<T>(folder: string, work: () => Promise<T>): Promise<T> {
  return withInstallLock(folder, () => undefined, new AbortController().signal, work);
}

/** All that a cluster can leave on a machine once its processes are gone. */
export async function removeCluster({ id, path }: ClusterFolder): Promise<void> {
  await removeLink(id);
  await removeCgroup(cgroupOf(id));
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path}/`);
  if (mounted)
    throw new Error(`mounts are left below ${path} (grep ${path} /proc/mounts): nothing is removed`);
  rmSync(path, { recursive: true, force: true });
}
