/** A node: containerd, kubelet, kube-proxy and pods in namespaces of their own, with a folder that is its disk. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lastLines, startProcess, type RunningProcess } from '../../real/harness/processes.ts';
import type { AddressPlan, NodeAddresses } from './address-plan.ts';
import { createCgroup, removeCgroup } from './cgroups.ts';
import { command } from './command.ts';
import type { ControlPlane } from './control-plane.ts';
import {
  CONTAINERD_SOCKET,
  cniConfig,
  containerdConfig,
  kubeletConfig,
  kubeProxyConfig,
} from './node-files.ts';
import { NODE_INIT_SCRIPT, NODE_NETWORK_SCRIPT } from './node-scripts.ts';
import type { Pki } from './pki.ts';
import { partPath } from '../../real/parts.ts';
import { nodePath } from './programs.ts';

export type ClusterNode = {
  readonly addresses: NodeAddresses;
  readonly isRunning: () => boolean;
  /** Resolves when its daemons have been started; as after a power cut, with its disk as it was. */
  readonly start: () => Promise<void>;
  /** As a power cut: everything in it ends at once. Resolves when nothing of it runs any more. */
  readonly stop: () => Promise<void>;
  /** Makes the images of an archive known to the node. */
  readonly importImages: (archive: string) => Promise<void>;
  /** The last lines of its daemons, for an error message. */
  readonly log: () => string;
};

export type NodeOptions = {
  readonly folder: string;
  readonly plan: AddressPlan;
  readonly addresses: NodeAddresses;
  readonly pki: Pki;
  readonly sandboxImage: string;
  readonly controlPlane: ControlPlane;
  readonly switchPid: number;
  /** Aborted when the cluster ends: nothing is started any more. */
  readonly signal: AbortSignal;
  /** Called when its first process has ended by itself, with what it said last: then it is stopped. */
  readonly onEnd: (message: string) => void;
};

/** Name of the control groups of a cluster. */
export function cgroupOf(id: string): string {
  return `tandem-${id}`;
}

export function clusterNode(options: NodeOptions): ClusterNode {
  const { folder, plan, addresses, switchPid, signal, onEnd } = options;
  const cgroup = `${cgroupOf(plan.id)}/${addresses.name}`;
  let running: { readonly process: RunningProcess; readonly pid: string } | undefined;
  writeFiles(options, cgroup);

  const start = async (): Promise<void> => {
    if (running !== undefined) return;
    await createCgroup(cgroup);
    signal.throwIfAborted();
    const peers = plan.nodes.filter(({ name }) => name !== addresses.name);
    const process = await startProcess({
      name: addresses.name,
      command: 'unshare',
      args: ['--net', 'sh', '-c', NODE_NETWORK_SCRIPT, 'sh', NODE_INIT_SCRIPT],
      environment: {
        PATH: nodePath(),
        TMPDIR: '/run/tmp',
        NODE: addresses.name,
        ADDRESS: addresses.address,
        SERVICES: plan.services,
        PEERS: peers.map(({ pods, address }) => `${pods}=${address}`).join(' '),
        SWITCH: String(switchPid),
        FOLDER: folder,
        BOOT: randomUUID(),
      },
      ready: async (log) => INIT_PID.test(log),
    });
    running = { process, pid: INIT_PID.exec(process.log())?.[1] ?? '' };
    void noticeEnd(process);
  };

  const noticeEnd = async (process: RunningProcess): Promise<void> => {
    await process.exited;
    if (running?.process !== process) return;
    running = undefined;
    onEnd(`${addresses.name} has ended by itself: ${process.log().trim()}`);
  };

  const stop = async (): Promise<void> => {
    if (running === undefined) return;
    const { process: holder, pid } = running;
    running = undefined;
    // The holder ends when the first process of the node has, and that one when the kernel has ended all others.
    endProcess(Number(pid));
    await holder.exited;
    await removeCgroup(cgroup);
  };

  return {
    addresses,
    isRunning: () => running !== undefined,
    start,
    stop,
    importImages: async (archive) => {
      if (running === undefined) throw new Error(`${addresses.name} is stopped`);
      const inside = [`--target=${running.pid}`, '--mount'];
      const ctr = ['ctr', `--address=${CONTAINERD_SOCKET}`, '--namespace=k8s.io'];
      await command('nsenter', [...inside, ...ctr, 'images', 'import', archive], { PATH: nodePath() });
    },
    log: () => logOf(folder, running?.process.log() ?? ''),
  };
}

/** It may have ended by itself. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const INIT_PID = /^node (\d+)$/m;

function writeFiles(options: NodeOptions, cgroup: string): void {
  const { folder, plan, addresses, pki, controlPlane, sandboxImage } = options;
  for (const name of ['log', 'cni', 'kubelet', 'var-lib', 'var-lib-work', 'volumes'])
    mkdirSync(join(folder, name), { recursive: true });
  const kubelet = pki.kubelets.get(addresses.name);
  if (kubelet === undefined) throw new Error(`${addresses.name} has no certificates`);
  const files = {
    'containerd.toml': containerdConfig(sandboxImage, dirname(partPath('cni-plugins'))),
    'cni/pods.conflist': JSON.stringify(cniConfig(addresses)),
    'kubelet.json': JSON.stringify(kubeletConfig(plan, cgroup)),
    'kube-proxy.json': JSON.stringify(kubeProxyConfig(plan, addresses)),
    // Nothing answers outside of the cluster.
    'resolv.conf': 'search .\n',
    'ca.crt': pki.ca,
    'kubelet.crt': kubelet.server.certificate,
    'kubelet.key': kubelet.server.key,
  };
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  controlPlane.writeKubeconfig(join(folder, 'kubelet.kubeconfig'), kubelet.client);
  controlPlane.writeKubeconfig(join(folder, 'kube-proxy.kubeconfig'), pki.kubeProxy);
}

function logOf(folder: string, own: string): string {
  const logs = ['containerd', 'kubelet', 'kube-proxy'].map((name) => {
    const path = join(folder, 'log', `${name}.log`);
    try {
      return `--- ${path}:\n${lastLines(readFileSync(path, 'utf8'), 15)}`;
    } catch {
      return `--- ${name} has not been started`;
    }
  });
  return [own.trim(), ...logs].join('\n');
}
