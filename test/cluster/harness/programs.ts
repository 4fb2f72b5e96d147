/** The programs that a cluster consists of. */
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { partTable } from '../../real/part-table.ts';
import { partPath } from '../../real/parts.ts';

export const PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
  'helm',
  'containerd',
  'ctr',
  'runc',
  'iptables',
  'conntrack',
] as const;

export type Program = (typeof PROGRAMS)[number];

export function programPath(name: Program): string {
  const part = partTable.find((candidate) => candidate.name === name);
  if (part !== undefined) return partPath(part.name);
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const path = folders.map((folder) => join(folder, name)).find(isProgram);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** For a node: its daemons call each other by name, as containerd calls runc and its shim, and kube-proxy iptables. */
export function nodePath(): string {
  // Ours first: the machine may have others of the same name.
  return [...ownFolders(PROGRAMS), ...OF_MACHINE].join(delimiter);
}

/** Folders with these programs that are not on every machine's path anyway. */
export function ownFolders(names: readonly Program[]): readonly string[] {
  const folders = names.map((name) => dirname(programPath(name)));
  return [...new Set(folders.filter((folder) => !OF_MACHINE.includes(folder)))];
}

const OF_MACHINE: readonly string[] = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

export function isInstalled(name: Program): boolean {
  try {
    return programPath(name) !== '';
  } catch {
    return false;
  }
}

export const CNI_FOLDER = '/usr/lib/cni';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
