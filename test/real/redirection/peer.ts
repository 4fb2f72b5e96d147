/** Programs that call and answer in network namespaces; see apps/peer.mjs. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunningPod } from '../harness/kubelet.ts';
import { inNetwork } from '../harness/processes.ts';
import type { Scene } from '../harness/scene.ts';

export type Call = {
  readonly host: string;
  readonly port: number;
  /** The user who calls; root by default. */
  readonly uid?: number;
  /** Sent as soon as the call is taken. */
  readonly bytes?: number;
  /** Milliseconds after which nobody answers. */
  readonly patience?: number;
};

export type Peer = {
  /** Words by port, of both families. */
  readonly serve: (
    tcp: Readonly<Record<number, string>>,
    udp?: Readonly<Record<number, string>>,
  ) => Promise<void>;
  /** The word of the server that took the call; `quiet` when one did and says nothing; else the error. */
  readonly call: (call: Call) => Promise<string>;
  /** The same by UDP. */
  readonly ask: (call: Pick<Call, 'host' | 'port'>) => Promise<string>;
  /** Status and body of an HTTP URL, or the error of the system. */
  readonly get: (url: string) => Promise<string>;
  /** Bytes that came to the server of a port. */
  readonly received: (port: number) => Promise<number>;
};

/** @param network undefined: that of the test */
export function startPeer(scene: Scene, network?: string): Peer {
  const command = [...inNetwork(network), process.execPath, join(import.meta.dirname, 'apps/peer.mjs')];
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  scene.atEnd(() => child.kill('SIGKILL'));
  const waiting = new Map<number, (answer: unknown) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, answer } = JSON.parse(line) as { id: number; answer: unknown };
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  let asked = 0;
  const request = <T>(kind: string, details: object): Promise<T> =>
    new Promise((resolve) => {
      asked += 1;
      waiting.set(asked, (answer) => resolve(answer as T));
      child.stdin.write(`${JSON.stringify({ id: asked, kind, ...details })}\n`);
    });
  return {
    serve: (tcp, udp = {}) => request('serve', { tcp, udp }),
    call: (call) => request('call', call),
    ask: (call) => request('ask', call),
    get: (url) => request('get', { url }),
    received: (port) => request('received', { port }),
  };
}

/** The program inside a pod: one for each, from the first time that it is asked for. */
export function peersInPods(scene: Scene): (pod: RunningPod) => Peer {
  const peers = new Map<RunningPod, Peer>();
  return (pod) => {
    const peer = peers.get(pod) ?? startPeer(scene, pod.link?.path);
    peers.set(pod, peer);
    return peer;
  };
}
