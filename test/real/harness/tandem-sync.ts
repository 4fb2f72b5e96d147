/** `tandem sync` as a process between a real API server and a real Consul. */
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

const BINARY = join(import.meta.dirname, '../../../bin/tandem.js');

export type TandemSync = {
  readonly process: RunningProcess;
  /** Of the plain port. */
  readonly url: string;
  /** JSON of `/status`. */
  readonly status: () => Promise<SyncStatus>;
  readonly metrics: () => Promise<string>;
  /** That part of `/status`; undefined while the direction is off. */
  readonly toKubernetes: () => Promise<ToKubernetesStatus | undefined>;
};

export type ToKubernetesStatus = {
  readonly lastSuccess?: string;
  readonly lastFailure?: { readonly at: string; readonly error: string };
  readonly heldRemovals: number;
  readonly owned?: number;
  readonly conflicts?: readonly string[];
  readonly services: readonly {
    readonly service: string;
    readonly object?: string;
    readonly kind: string;
    readonly endpoints: number;
    readonly problems: readonly string[];
    readonly refused?: string;
  }[];
};

export type SyncStatus = {
  readonly owner: string;
  readonly node: string;
  readonly leader: boolean;
  readonly lastSuccess?: string;
  readonly lastFailure?: { readonly at: string; readonly error: string };
  readonly heldRemovals: number;
  readonly toKubernetes?: ToKubernetesStatus;
  readonly instances?: { readonly desired: number; readonly owned: number; readonly foreign: number };
  readonly sources: readonly {
    readonly source: string;
    readonly synced: boolean;
    readonly reason: string;
    readonly instances: number;
    readonly problems: readonly string[];
    readonly refused?: string;
  }[];
};

/** @param flags beside those of the cluster, Consul and the status port */
export async function startTandemSync(
  scene: Scene,
  api: Pick<ApiServer, 'kubeconfig'>,
  consul: { readonly url: string; readonly token?: string },
  flags: readonly string[] = [],
): Promise<TandemSync> {
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const started = await scene.start({
    name: 'tandem sync',
    command: process.execPath,
    args: [
      BINARY,
      'sync',
      `--kubeconfig=${api.kubeconfig()}`,
      `--consul-http-addr=${consul.url}`,
      `--status-listen=127.0.0.1:${port}`,
      '--lease-namespace=default',
      '--log-level=debug',
      ...flags,
    ],
    environment: consul.token ? { CONSUL_HTTP_TOKEN: consul.token } : {},
    ready: async () => (await fetch(`${url}/health/ready`)).ok,
  });
  const status = async (): Promise<SyncStatus> => (await (await fetch(`${url}/status`)).json()) as SyncStatus;
  return {
    process: started,
    url,
    status,
    toKubernetes: async () => (await status()).toKubernetes,
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
  };
}

/** One pass of `tandem sync --once`; throws, with its log, when it does not end well. */
export async function syncOnce(
  scene: Scene,
  api: Pick<ApiServer, 'kubeconfig'>,
  consul: { readonly url: string },
  flags: readonly string[],
): Promise<void> {
  const run = await scene.start({
    name: 'tandem sync --once',
    command: process.execPath,
    args: [
      BINARY,
      'sync',
      '--once',
      `--kubeconfig=${api.kubeconfig()}`,
      `--consul-http-addr=${consul.url}`,
      '--status-listen=127.0.0.1:0',
      ...flags,
    ],
  });
  const { code } = await run.exited;
  if (code !== 0) throw new Error(`tandem sync ended with ${code}:\n${run.log()}`);
}
