/** The control groups of a cluster, in every hierarchy of cgroup v1: `tandem-10-64/node-1`. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Without these runc starts no container. https://docs.kernel.org/admin-guide/cgroup-v1/ */
const NEEDED = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'pids'] as const;

/** The hierarchies that are missing on this machine; empty where all is well. */
export function missingHierarchies(mounts = readMounts()): readonly string[] {
  const mounted = versionOne(mounts).flatMap(({ options }) => options);
  return NEEDED.filter((controller) => !mounted.includes(controller));
}

/** What an earlier life of the node has left goes first. */
export async function createCgroup(name: string): Promise<void> {
  await removeCgroup(name);
  for (const { folder } of versionOne()) {
    let at = folder;
    for (const step of name.split('/')) {
      const parent = at;
      at = join(at, step);
      mkdirSync(at, { recursive: true });
      // A new one of these has no processor and no memory until it is told which.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) inherit(parent, at, file);
    }
  }
}

function inherit(parent: string, child: string, file: string): void {
  if (!readdirSync(parent).includes(file)) return;
  if (readFileSync(join(child, file), 'utf8').trim() === '')
    writeFileSync(join(child, file), readFileSync(join(parent, file)));
}

/** A group can go when its last process has been reaped, which the first process of a machine may take seconds for. */
const REMOVAL = { tries: 200, pause: 50 };

/** With all groups below it. Throws with those that are still there after 10 s. */
export async function removeCgroup(name: string): Promise<void> {
  // runc makes groups in the hierarchy of version 2 as well, where one is mounted beside.
  const roots = hierarchies().map(({ folder }) => join(folder, name));
  for (let tries = 0; tries < REMOVAL.tries; tries += 1) {
    if (roots.map(removeTree).every(Boolean)) return;
    await sleep(REMOVAL.pause);
  }
  throw new Error(
    `processes are left in the control groups ${roots.filter((root) => !removeTree(root)).join(', ')}`,
  );
}

function removeTree(folder: string): boolean {
  try {
    const children = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
    for (const { name } of children) removeTree(join(folder, name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

type Hierarchy = {
  readonly folder: string;
  readonly type: 'cgroup' | 'cgroup2';
  readonly options: readonly string[];
};

function versionOne(mounts?: string): readonly Hierarchy[] {
  return hierarchies(mounts).filter(({ type }) => type === 'cgroup');
}

function readMounts(): string {
  return readFileSync('/proc/self/mountinfo', 'utf8');
}

/** https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: 5 is the folder; after " - " come type, source, options. */
function hierarchies(mounts = readMounts()): readonly Hierarchy[] {
  return mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    const folder = before.split(' ')[4];
    if (folder === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ folder, type, options: options.split(',') }];
  });
}
