/** What a cluster could leave on a machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { command } from './command.ts';
import { born } from './process-birth.ts';

/** The folders that Kubernetes, containerd and CNI plugins write to. */
const FOLDERS = ['/etc', '/opt', '/run', '/var/lib', '/var/log', '/usr/libexec'] as const;
/** What a cluster names its control groups, and the kubelet and containerd theirs. */
const CGROUPS = ['-name', 'tandem-*', '-o', '-name', 'kubepods*', '-o', '-name', 'k8s.io'] as const;

/** One line for each. */
export async function machineState(): Promise<readonly string[]> {
  const links = JSON.parse(await command('ip', ['-json', 'link'])) as readonly { readonly ifname: string }[];
  const routes = await command('ip', ['-4', 'route', 'show', 'table', 'all']);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  const cgroups = await command('find', [
    '/sys/fs/cgroup',
    '-maxdepth',
    '2',
    '-type',
    'd',
    '(',
    ...CGROUPS,
    ')',
  ]);
  return [
    ...links.map(({ ifname }) => `link ${ifname}`),
    ...routes
      .trimEnd()
      .split('\n')
      .map((route) => `route ${route}`),
    ...mounts.map((line) => `mount ${line.split(' ')[4]}`),
    ...cgroups
      .trimEnd()
      .split('\n')
      .map((folder) => `cgroup ${folder}`),
    ...FOLDERS.flatMap((folder) => entries(folder).map((name) => `file ${folder}/${name}`)),
  ];
}

/** What has come since, but for what is of other clusters, which come and go as well. */
export async function cameSince(before: readonly string[], id: string): Promise<readonly string[]> {
  const isOfAnother = (line: string): boolean => {
    const [, named = id] = /tandem-(\d+-\d+)/.exec(line) ?? [];
    return named !== id;
  };
  return (await machineState()).filter((line) => !before.includes(line) && !isOfAnother(line));
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
