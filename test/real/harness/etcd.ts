import { join } from 'node:path';
import { partPath } from '../parts.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

export type Etcd = { readonly url: string; readonly process: RunningProcess };

/** One member, without the wait for the disk: its state lives as long as the test. */
export async function startEtcd(scene: Scene): Promise<Etcd> {
  const [client = 0, peer = 0] = await freePorts(2);
  const url = `http://127.0.0.1:${client}`;
  const process = await scene.start({
    name: 'etcd',
    command: partPath('etcd'),
    args: [
      `--data-dir=${join(scene.folder, `etcd-${client}`)}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    ready: async () => (await fetch(`${url}/health`)).ok,
  });
  return { url, process };
}
