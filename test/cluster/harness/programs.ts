/** The parts that a cluster consists of, but for what its images hold. */
import { homedir } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { partsOfImages } from '../images/plans.ts';
import type { PartName } from '../../real/part-table.ts';
import { findPart, partNamed, partPath } from '../../real/parts.ts';

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
  'cni-plugins',
  'iptables',
  'conntrack',
  'ip',
] as const satisfies readonly PartName[];

/** Those that are not installed, of these and the ones that images are made of. */
export function missingParts(): readonly PartName[] {
  const names = [...new Set<PartName>([...PROGRAMS, ...partsOfImages])];
  return names.filter((name) => findPart(partNamed(name), process.env, homedir()) === undefined);
}

/** For a node: its daemons call each other by name, as containerd calls runc and its shim, and kube-proxy iptables. */
export function nodePath(): string {
  // Ours first: the machine may have others of the same name.
  return [...ownFolders(PROGRAMS), ...OF_MACHINE].join(delimiter);
}

/** Folders with these programs that are not on every machine's path anyway. */
export function ownFolders(names: readonly PartName[]): readonly string[] {
  const folders = names.map((name) => dirname(partPath(name)));
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
