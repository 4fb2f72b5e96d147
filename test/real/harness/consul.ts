/** Real Consul servers, 1 or 3, with Connect and gRPC on; ACLs when asked for. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partPath } from '../parts.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

export type ConsulServer = {
  readonly node: string;
  /** `http://127.0.0.1:…` */
  readonly url: string;
  readonly ports: {
    readonly http: number;
    readonly grpc: number;
    readonly dns: number;
    readonly server: number;
    readonly serf: number;
  };
  readonly process: () => RunningProcess;
  /** Starts it again, with its state, after it has been stopped. */
  readonly start: () => Promise<void>;
};

export type Consul = ConsulServer & {
  /** Bootstrap token of the ACLs, with all rights; empty when they are off. */
  readonly token: string;
  readonly servers: readonly ConsulServer[];
  /** JSON of an answer of 2xx; throws with the text of any other. */
  readonly call: (method: string, path: string, body?: unknown) => Promise<unknown>;
};

export type ConsulOptions = {
  readonly servers?: 1 | 3;
  readonly acls?: boolean;
  /** More configuration, as in a configuration file of Consul; its ports are added to those that every server has. */
  readonly configuration?: Readonly<Record<string, unknown>> & {
    readonly ports?: Readonly<Record<string, number>>;
  };
};

export async function startConsul(scene: Scene, options: ConsulOptions = {}): Promise<Consul> {
  const { servers: count = 1, acls = false, configuration = {} } = options;
  const token = acls ? randomUUID() : '';
  const ports = await freePorts(count * 6);
  const serfPorts = Array.from({ length: count }, (_, index) => ports[index * 6 + 4] ?? 0);
  const headers: Record<string, string> = acls ? { 'x-consul-token': token } : {};

  const server = async (index: number): Promise<ConsulServer> => {
    const [http = 0, grpc = 0, dns = 0, rpc = 0, serf = 0, wan = 0] = ports.slice(index * 6);
    const node = `server-${index + 1}`;
    const url = `http://127.0.0.1:${http}`;
    const folder = join(scene.folder, `consul-${http}`);
    mkdirSync(folder, { mode: 0o700 });
    const file = join(folder, 'consul.json');
    const settings = {
      node_name: node,
      data_dir: join(folder, 'data'),
      server: true,
      bootstrap_expect: count,
      bind_addr: '127.0.0.1',
      client_addr: '127.0.0.1',
      retry_join: serfPorts.filter((port) => port !== serf).map((port) => `127.0.0.1:${port}`),
      retry_interval: '1s',
      connect: { enabled: true },
      // The shortest timeouts of an election that Consul knows: a test waits for one.
      performance: { raft_multiplier: 1 },
      log_level: 'warn',
      disable_update_check: true,
      ...(acls
        ? {
            acl: {
              enabled: true,
              default_policy: 'deny',
              tokens: { initial_management: token, agent: token },
            },
          }
        : {}),
      ...configuration,
      ports: {
        http,
        grpc,
        dns,
        server: rpc,
        serf_lan: serf,
        serf_wan: wan,
        grpc_tls: -1,
        https: -1,
        ...configuration.ports,
      },
    };
    writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
    const start = (): Promise<RunningProcess> =>
      scene.start({
        name: `consul ${node}`,
        command: partPath('consul'),
        args: ['agent', `-config-file=${file}`],
        folder,
        ready: async () => {
          const response = await fetch(`${url}/v1/health/node/${node}`, { headers });
          return response.ok && ((await response.json()) as unknown[]).length > 0;
        },
      });
    let current = await start();
    return {
      node,
      url,
      ports: { http, grpc, dns, server: rpc, serf },
      process: () => current,
      start: async () => {
        current = await start();
      },
    };
  };

  const servers = await Promise.all(Array.from({ length: count }, (_, index) => server(index)));
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  return {
    ...first,
    token,
    servers,
    call: async (method, path, body) => {
      const response = await fetch(new URL(path, first.url), {
        method,
        headers,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const content = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${content}`);
      return content === '' ? undefined : JSON.parse(content);
    },
  };
}
