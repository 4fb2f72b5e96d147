/** The folders of clusters, and who keeps each. Those whose keeper has been killed are tidied from here. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { cacheRoot } from '../../real/parts.ts';
import { withInstallLock } from '../../real/install/install-lock.ts';
import { addressPlan, chooseNetwork, type AddressPlan } from './address-plan.ts';
import { cgroupOf } from './node.ts';
import { removeCgroup } from './cgroups.ts';
import { linkIndex, machineRoutes, removeLink } from './network.ts';
import { born } from './process-birth.ts';

export type ClusterFolder = {
  readonly id: string;
  readonly path: string;
  readonly kubeconfig: string;
  readonly socket: string;
  readonly keeper: Keeper | undefined;
};

/** A process: its id may be given to another one, but not together with the moment of its start. */
type Living = { readonly pid: number; readonly born: string | undefined };

/** Some of it may be missing where an older clone has written it. */
export type Keeper = Living & {
  /** It goes on without the process that started it. */
  readonly isLetGo: boolean;
  readonly starter?: Living | undefined;
  /** Folder of the clone whose sources it was made of. */
  readonly clone?: string | undefined;
  /** When it was begun, as `Date.now` gives it. */
  readonly since?: number | undefined;
  /** Whether Tandem was in it when its starter let it go. */
  readonly hasTandem?: boolean | undefined;
  /** Index of the link of its cluster, once there is one. */
  readonly link?: number | undefined;
};

const KEEPER = 'keeper.json';
export const CLONE = join(import.meta.dirname, '../../..');

export function clustersRoot(): string {
  return join(cacheRoot(process.env, homedir()), 'clusters');
}

export function storesRoot(): string {
  return join(cacheRoot(process.env, homedir()), 'nodes');
}

export function clusterFolders(root = clustersRoot()): readonly ClusterFolder[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).map((id) => clusterFolder(join(root, id)));
}

export function clusterFolder(path: string): ClusterFolder {
  return {
    id: basename(path),
    path,
    kubeconfig: join(path, 'kubeconfig'),
    socket: join(path, 'keeper.sock'),
    keeper: keeperOf(path),
  };
}

/** Undefined when it does not live any more. */
function keeperOf(path: string): Keeper | undefined {
  const keeper = readKeeper(path);
  return keeper !== undefined && isAlive(keeper) ? keeper : undefined;
}

function readKeeper(path: string): Keeper | undefined {
  try {
    return JSON.parse(readFileSync(join(path, KEEPER), 'utf8')) as Keeper;
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, born: since }: Living): boolean {
  return since !== undefined && since === born(pid);
}

/**
 * Takes an address range, a folder, and what `reserve` makes of them, for this process. First it tidies what keepers left that
 * were killed. Between the choice of the range and its link nobody else chooses, also not for another cache.
 *
 * @throws when no range is free, with what to do
 */
export async function claimFolder<T>(
  wanted: string | undefined,
  reserve: (plan: AddressPlan) => Promise<T>,
): Promise<{ readonly plan: AddressPlan; readonly folder: ClusterFolder; readonly reserved: T }> {
  const root = clustersRoot();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return withInstallLock(
    'clusters',
    () => undefined,
    new AbortController().signal,
    async () => {
      for (const left of clusterFolders(root)) if (left.keeper === undefined) await removeCluster(left);
      const taken = clusterFolders(root).map(({ id }) => id);
      const choice = chooseNetwork(wanted, await machineRoutes(), taken);
      if (choice.kind === 'refused') throw new Error(choice.problem);
      const plan = addressPlan(choice.network);
      const path = join(root, plan.id);
      mkdirSync(path, { mode: 0o700 });
      const keeper = {
        ...living(process.pid),
        isLetGo: false,
        starter: living(process.ppid),
        clone: CLONE,
        since: Date.now(),
      };
      writeKeeper(path, keeper);
      const reserved = await reserve(plan).catch((error: unknown) => {
        rmSync(path, { recursive: true });
        throw error;
      });
      writeKeeper(path, { ...keeper, link: await linkIndex(plan.id) });
      return { plan, folder: clusterFolder(path), reserved };
    },
  );
}

/** The keeper, which calls this, goes on without the process that started it. */
export function letGo({ path }: ClusterFolder, hasTandem: boolean): void {
  const keeper = readKeeper(path);
  if (keeper !== undefined) writeKeeper(path, { ...keeper, isLetGo: true, hasTandem });
}

function living(pid: number): Living {
  return { pid, born: born(pid) };
}

function writeKeeper(path: string, keeper: Keeper): void {
  writeFileSync(join(path, KEEPER), JSON.stringify(keeper));
}

/** One process at a time: what happens there is short, or every other one needs its outcome. */
export async function exclusively<T>(folder: string, work: () => Promise<T>): Promise<T> {
  // A cache of a test leads to the real one by links.
  return withInstallLock(realpathSync(folder), () => undefined, new AbortController().signal, work);
}

/**
 * All that a cluster can leave on a machine once its processes are gone. Where another one, of another cache, has come by the same
 * addresses since, link and control groups are those of that one.
 */
export async function removeCluster({ id, path }: ClusterFolder): Promise<void> {
  const link = await linkIndex(id);
  if (link === undefined || link === readKeeper(path)?.link) {
    await removeLink(id);
    await removeCgroup(cgroupOf(id));
  }
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path}/`);
  if (mounted)
    throw new Error(`mounts are left below ${path} (grep ${path} /proc/mounts): nothing is removed`);
  rmSync(path, { recursive: true, force: true });
}
