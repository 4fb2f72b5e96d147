/** The sidecar proxies as processes: the real Envoy, and the one that Consul brings. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { freePorts } from './ports.ts';
import { inNetwork, type ProcessSpec, type RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

export type Envoy = RunningProcess & {
  /** What the admin interface answers. */
  readonly admin: (path: string) => Promise<string>;
};

/** Envoy with the bootstrap that `--config-path` names. */
export async function startEnvoy(scene: Scene, spec: ProcessSpec): Promise<Envoy> {
  const [port = 0] = await freePorts(1);
  moveAdmin(spec.args[spec.args.indexOf('--config-path') + 1] ?? '', port);
  return { ...(await scene.start(besideOthers(spec))), admin: (path) => adminAnswer(port, path) };
}

/** What the admin interface of Envoy on this port answers. */
export async function adminAnswer(port: number, path: string, network?: string): Promise<string> {
  const url = `http://127.0.0.1:${port}${path}`;
  if (network !== undefined) return answerWithin(network, url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

/** The body of an answer that only processes of this network namespace get. */
async function answerWithin(network: string, url: string): Promise<string> {
  const script = 'process.stdout.write(await (await fetch(process.argv[1])).text())';
  const [program, ...args] = [...inNetwork(network), process.execPath, '-e', script, url];
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 26 });
  return stdout;
}

/**
 * Without it, Envoys of one machine believe that they are restarts of each other; in pods they share no memory. Those of one pod
 * have to do without.
 */
export function besideOthers<T extends ProcessSpec>(spec: T): T {
  if (spec.network !== undefined && spec.args.includes('--base-id')) return spec;
  return { ...spec, args: [...spec.args, '--use-dynamic-base-id'] };
}

/** Each pod has a port 19000 on its own 127.0.0.1; here all of them share one. */
function moveAdmin(bootstrap: string, port: number): void {
  const content = readFileSync(bootstrap, 'utf8');
  writeFileSync(bootstrap, content.replaceAll(/("port_value": )19000\b/g, `$1${port}`));
}

/** `consul connect proxy` with these arguments. Its admin interface is off by itself, so nothing of it has to move. */
export function startBuiltinProxy(scene: Scene, spec: ProcessSpec): Promise<RunningProcess> {
  return scene.start(spec);
}
