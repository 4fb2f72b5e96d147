/** What a cluster could leave on a machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { command } from './command.ts';
import { born } from './process-birth.ts';

export type MachineState = {
  readonly links: readonly string[];
  readonly routes: readonly string[];
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  /** Entries of the folders that Kubernetes and containerd write to. */
  readonly files: readonly string[];
};

const FOLDERS = ['/etc', '/opt', '/run', '/var/lib', '/var/log', '/usr/libexec'] as const;

export async function machineState(): Promise<MachineState> {
  const routes = await command('ip', ['-4', 'route', 'show', 'table', 'all']);
  const links = JSON.parse(await command('ip', ['-json', 'link'])) as readonly { readonly ifname: string }[];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return {
    links: links.map(({ ifname }) => ifname).sort(),
    routes: routes.split('\n').sort(),
    mounts: mounts.map((line) => line.split(' ')[4] ?? '').sort(),
    cgroups: (await command('find', ['/sys/fs/cgroup', '-type', 'd', '-name', 'tandem-*']))
      .split('\n')
      .sort(),
    files: FOLDERS.flatMap((folder) => entries(folder).map((name) => `${folder}/${name}`)),
  };
}

/** A process, whose id may be given to another one. */
export type Member = { readonly pid: number; readonly born: string | undefined; readonly command: string };

/** A process and all that descend from it. */
export function familyOf(pid: number): readonly Member[] {
  const parents = new Map(processes().map((each) => [each, parentOf(each)]));
  const isDescendant = (each: number | undefined): boolean =>
    each !== undefined && each !== 0 && (each === pid || isDescendant(parents.get(each)));
  return [...parents.keys()].filter(isDescendant).map((each) => ({
    pid: each,
    born: born(each),
    command: read(`/proc/${each}/cmdline`).replaceAll('\0', ' ').slice(0, 100),
  }));
}

export function isLiving({ pid, born: birth }: Member): boolean {
  return birth !== undefined && born(pid) === birth;
}

function processes(): readonly number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the parent is the second after the name. */
function parentOf(pid: number): number | undefined {
  const parent = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
