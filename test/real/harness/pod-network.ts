/**
 * A network for each pod, as a cluster has it: its own 127.0.0.1, and an address that the node and all pods reach (Linux
 * network namespaces, joined by a bridge). Two pods listen on 0.0.0.0:20000 side by side in it, which they do in a cluster.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import type { Scene } from './scene.ts';

export type PodNetwork = {
  /** Of the node: what listens on it, or on 0.0.0.0, is reached by all pods. */
  readonly nodeIp: string;
  readonly nodeIp6: string;
  readonly add: () => Promise<PodInterface>;
};

export type PodInterface = {
  readonly ip: string;
  /** Only in a network of both families. */
  readonly ip6: string;
  /** The namespace as a file, for nsenter (util-linux). */
  readonly path: string;
  /** SIGKILL to all that runs in it: the Envoy of a consul-dataplane that was killed goes on by itself. */
  readonly kill: () => void;
  /** Takes what the pod listens on off the network. */
  readonly remove: () => Promise<void>;
};

const INSIDE = 'TANDEM_TEST_NETWORK';
// The range that kubeadm's documentation takes for pods; nothing outside sees it.
const [NODE_IP, PREFIX_LENGTH] = ['10.244.0.1', 16];
// Of the addresses that are for nobody outside (RFC 4193).
const [PREFIX_6, PREFIX_LENGTH_6] = ['fd00:10:244::', 64];

/**
 * Call it before anything of a test file: runs the file again in a network of its own, which ends with it, and with it
 * everything that was set up in it. For root, or anybody who may make user namespaces.
 */
export function enterOwnNetwork(): void {
  if (process.env[INSIDE] !== undefined) return;
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status, error } = spawnSync('unshare', [...asRoot, '--net', ...program], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  if (error !== undefined) throw error;
  process.exit(status ?? 1);
}

/** For tests that act as several users, or in the network namespaces of others. */
export function needRoot(): void {
  if (process.getuid?.() !== 0) throw new Error('this test changes users and networks: run it as root');
}

/** @param isDual with IPv6 as well */
export async function startPodNetwork(scene: Scene, isDual = false): Promise<PodNetwork> {
  const nodeIp6 = `${PREFIX_6}1`;
  await sh(`ip link set lo up
    ip link add pods type bridge
    ip addr add ${NODE_IP}/${PREFIX_LENGTH} dev pods
    ip link set pods up`);
  if (isDual) await sh(`ip addr add ${nodeIp6}/${PREFIX_LENGTH_6} dev pods nodad`);
  let count = 1;
  return {
    nodeIp: NODE_IP,
    nodeIp6,
    add: async () => {
      count += 1;
      const link = `pod${count}`;
      const ip = `10.244.${count >> 8}.${count & 255}`;
      const ip6 = `${PREFIX_6}${count.toString(16)}`;
      // As a pause container does: keeps the namespace, and does nothing.
      const pause = await scene.start({
        name: link,
        command: 'unshare',
        args: ['--net', 'sh', '-c', 'echo unshared; exec sleep infinity'],
      });
      await eventually(`the namespace of ${link}`, async () => {
        if (pause.log() === '') throw new Error('not yet');
      });
      const path = `/proc/${pause.pid}/ns/net`;
      await sh(`ip link add ${link} type veth peer name eth0 netns ${pause.pid}
        ip link set ${link} master pods up
        nsenter --net=${path} sh -ec 'ip link set lo up
          ip addr add ${ip}/${PREFIX_LENGTH} dev eth0
          ip link set eth0 up
          ip route add default via ${NODE_IP}'`);
      if (isDual)
        await sh(`nsenter --net=${path} sh -ec 'ip addr add ${ip6}/${PREFIX_LENGTH_6} dev eth0 nodad
          ip route add default via ${nodeIp6}'`);
      const namespace = namespaceOf(path);
      const kill = (): void => killAllIn(namespace, pause.pid);
      scene.atEnd(kill);
      return { ip, ip6, path, kill, remove: () => sh(`ip link del ${link}`) };
    },
  };
}

function killAllIn(namespace: string | undefined, pause: number): void {
  if (namespace === undefined || namespace === namespaceOf('/proc/self/ns/net')) return;
  for (const pid of readdirSync('/proc')) {
    const isInside = /^\d+$/.test(pid) && namespaceOf(`/proc/${pid}/ns/net`) === namespace;
    if (isInside && Number(pid) !== pause) process.kill(Number(pid), 'SIGKILL');
  }
}

/** Undefined when the process is gone. */
function namespaceOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

async function sh(script: string): Promise<void> {
  await promisify(execFile)('sh', ['-ec', script]);
}
