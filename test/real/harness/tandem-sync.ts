/** `tandem sync` as a process between a real API server and a real Consul. */
import {
  controllerOf,
  type ControllerName,
  type ProcessStatus,
  type Status,
  type StatusOf,
} from '../../../src/status-page/status.ts';
import type { ApiServer } from './api-server.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';
import { TANDEM } from './tandem-program.ts';

export type TandemSync = {
  readonly process: RunningProcess;
  /** Of the plain port. */
  readonly url: string;
  /** JSON of `/status`. */
  readonly status: () => Promise<SyncStatus>;
  /** A controller in it; undefined while it is off. */
  readonly controller: <N extends ControllerName>(name: N) => Promise<StatusOf<N> | undefined>;
  readonly metrics: () => Promise<string>;
};

export type SyncStatus = Status & { readonly process: ProcessStatus };

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
      TANDEM,
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
    controller: async (name) => controllerOf(await status(), name),
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
  };
}

/** The log of `tandem sync --once` in the process of the test; throws, with it, when it does not end well. */
export async function syncOnce(
  api: Pick<ApiServer, 'kubeconfig'>,
  consul: { readonly url: string },
  flags: readonly string[],
): Promise<string> {
  // Only here: it is all of Tandem.
  const { runInProcess } = await import('../../integration/cli/in-process.ts');
  const { code, stdout, stderr } = await runInProcess([
    'sync',
    '--once',
    `--kubeconfig=${api.kubeconfig()}`,
    `--consul-http-addr=${consul.url}`,
    '--status-listen=127.0.0.1:0',
    ...flags,
  ]);
  const log = stdout + stderr;
  if (code !== 0) throw new Error(`tandem sync ended with ${code}:\n${log}`);
  return log;
}
