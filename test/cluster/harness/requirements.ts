/** What a cluster needs of a machine, and what to do where it is missing. */
import { spawnSync } from 'node:child_process';
import { missingHierarchies } from './cgroups.ts';

const ELSEWHERE =
  'Or use another cluster: KUBECONFIG=<file> npm run test:cluster, with kind, k3d or any that is there';

/**
 * Every problem of this machine, each with the way out; empty where a cluster can come up once its parts are installed.
 */
export function machineProblems(machine = thisMachine()): readonly string[] {
  const { platform, user, missing } = machine;
  if (platform !== 'linux') return [`A cluster needs Linux, and this is ${platform}. ${ELSEWHERE}`];
  // As anybody else, nothing of the rest could be tried.
  if (user !== 0)
    return [
      `A cluster needs root, for its namespaces, mounts and links: run it by sudo env "HOME=$HOME" "PATH=$PATH" npm run … ${ELSEWHERE}`,
    ];
  return missing.length === 0 ? [] : [cgroupProblem(missing)];
}

export type MachineFacts = {
  readonly platform: string;
  readonly user: number | undefined;
  /** Controllers that have no hierarchy of cgroup v1. */
  readonly missing: readonly string[];
};

function thisMachine(): MachineFacts {
  const { platform } = process;
  return {
    platform,
    user: process.getuid?.(),
    missing: platform === 'linux' ? missingHierarchies() : [],
  };
}

function cgroupProblem(missing: readonly string[]): string {
  return (
    'A cluster needs the hierarchies of cgroup v1; cgroup v2 alone is not supported. ' +
    `Missing under /sys/fs/cgroup: ${missing.join(', ')}. ` +
    `Start the machine with the kernel parameter systemd.unified_cgroup_hierarchy=0. ${ELSEWHERE}`
  );
}

type Trial = { readonly try: string; readonly what: string; readonly module: string };

/** Each is tried in namespaces that end with it: what to try, what it is called, and the kernel module that has it. */
const TRIALS: readonly Trial[] = [
  { try: 'ip link add name trial type veth peer name other', what: 'pairs of virtual links', module: 'veth' },
  { try: 'ip link add name trial type bridge', what: 'network bridges', module: 'bridge' },
  {
    try: 'test -e /proc/sys/net/bridge/bridge-nf-call-iptables',
    what: 'netfilter on bridges',
    module: 'br_netfilter',
  },
  {
    try: 'iptables -t nat -L -n',
    what: 'iptables with address translation',
    module: 'nf_tables nft_chain_nat',
  },
  { try: 'grep -qw overlay /proc/filesystems', what: 'overlay file systems', module: 'overlay' },
];

/** As `machineProblems`, with the parts that a cluster consists of. */
export function kernelProblems(trials = TRIALS): readonly string[] {
  const namespaces = inNamespaces('true');
  if (namespaces !== undefined)
    return [`This machine lets nobody make namespaces (unshare: ${namespaces}). ${ELSEWHERE}`];
  return trials.flatMap((trial) => {
    const problem = inNamespaces(trial.try);
    if (problem === undefined) return [];
    return [`The kernel has no ${trial.what} (${problem}). Try: modprobe ${trial.module}. ${ELSEWHERE}`];
  });
}

/** The words of a failure; undefined when the command succeeds. */
function inNamespaces(command: string): string | undefined {
  const { status, stderr, error } = spawnSync(
    'unshare',
    [
      '--net',
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
      '--fork',
      '--propagation',
      'private',
      'sh',
      '-c',
      command,
    ],
    { encoding: 'utf8' },
  );
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim().split('\n')[0] || `${command}: status ${status}`);
}
