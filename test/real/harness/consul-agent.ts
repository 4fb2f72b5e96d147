/** A real client agent of Consul, as it runs on every node in agent mode. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partPath } from '../parts.ts';
import type { Consul, ConsulOptions } from './consul.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

export type ConsulAgent = {
  readonly ports: { readonly http: number; readonly grpc: number };
  readonly process: RunningProcess;
  /** As a rollout of the DaemonSet does whose data is in the pod: it leaves, and another comes under the same name without data. */
  readonly startAnew: () => Promise<void>;
};

/**
 * Joins the servers under this name; both of its ports for gRPC are open, as they are unless somebody turns one off.
 *
 * @param address of the node; the servers are on it too
 * @param configuration more of it, as in a configuration file of Consul
 */
export async function startConsulAgent(
  scene: Scene,
  consul: Consul,
  node: string,
  address = '127.0.0.1',
  configuration: ConsulOptions['configuration'] = {},
): Promise<ConsulAgent> {
  const [http = 0, grpc = 0, grpcTls = 0, serf = 0] = await freePorts(4);
  const folder = join(scene.folder, `consul-agent-${http}`);
  mkdirSync(folder, { mode: 0o700 });
  const file = join(folder, 'consul.json');
  const settings = {
    node_name: node,
    leave_on_terminate: true,
    data_dir: join(folder, 'data'),
    bind_addr: address,
    client_addr: [...new Set([address, '127.0.0.1'])].join(' '),
    retry_join: [`${address}:${consul.ports.serf}`],
    retry_interval: '1s',
    log_level: 'warn',
    disable_update_check: true,
    ...(consul.token === ''
      ? {}
      : { acl: { enabled: true, default_policy: 'deny', tokens: { agent: consul.token } } }),
    ...configuration,
    ports: { http, grpc, grpc_tls: grpcTls, dns: -1, serf_lan: serf, ...configuration.ports },
  };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const start = (): Promise<RunningProcess> =>
    scene.start({
      name: `consul agent of ${node}`,
      command: partPath('consul'),
      args: ['agent', `-config-file=${file}`],
      folder,
      ready: async () => {
        const headers: Record<string, string> = consul.token === '' ? {} : { 'x-consul-token': consul.token };
        // One that speaks TLS only is asked for by the servers.
        const url = settings.ports.http === http ? `http://127.0.0.1:${http}` : consul.url;
        const response = await fetch(`${url}/v1/health/node/${node}`, { headers });
        return response.ok && ((await response.json()) as unknown[]).length > 0;
      },
    });
  let process = await start();
  return {
    ports: { http, grpc },
    get process() {
      return process;
    },
    startAnew: async () => {
      await process.stop();
      rmSync(settings.data_dir, { recursive: true });
      process = await start();
    },
  };
}
