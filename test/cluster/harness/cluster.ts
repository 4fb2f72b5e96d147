/** The cluster that a file of tests works on: the one that the suite has brought up, or any other that KUBECONFIG names. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { apiClient, type ApiClient, type Credentials } from '../../real/harness/api-client.ts';
import { ensureParts, partPath } from '../../real/parts.ts';
import { claimCluster } from './claim.ts';
import { clusterFolder } from './cluster-folder.ts';

export type Cluster = {
  readonly kubeconfig: string;
  readonly api: ApiClient;
  /** Gives standard output; rejects with standard error. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  readonly helm: (args: readonly string[]) => Promise<string>;
  /** A line of a document, as its reader would paste it at the root of a clone. Other variables beat those of the cluster. */
  readonly shell: (line: string, environment?: Readonly<Record<string, string>>) => Promise<string>;
  /** Variables with which kubectl and helm reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Image of Tandem, as the nodes know it. */
  readonly image: string;
  /** Only of a cluster that the suite itself has brought up. */
  readonly nodes: Nodes | undefined;
};

export type Nodes = {
  /** Resolves when nothing of the node runs any more. */
  readonly stop: (name: string) => Promise<void>;
  readonly start: (name: string) => Promise<void>;
};

export const ROOT = join(import.meta.dirname, '../../..');
/** What the chart names by default. */
export const DEFAULT_IMAGE = 'tandem:0.1.0';
const COMMAND_MILLISECONDS = 300_000;

/** Reads KUBECONFIG, TANDEM_IMAGE and TANDEM_CLUSTERS, the folders of those of the suite. Throws when there is no cluster. */
export async function openCluster(): Promise<Cluster> {
  const { TANDEM_IMAGE } = process.env;
  const { kubeconfig, socket } = await namedCluster();
  await ensureParts(['kubectl', 'helm']);
  const folder = mkdtempSync(join(tmpdir(), 'tandem-cluster-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  // By default a signal ends the process without that.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
  const environment = environmentOf(kubeconfig, folder);
  const run = async (command: string, args: readonly string[], input?: string, more = {}): Promise<string> =>
    runCommand(command, args, { ...environment, ...more }, input);
  return {
    kubeconfig,
    api: await apiOf(kubeconfig),
    kubectl: (args, input) => run(partPath('kubectl'), args, input),
    helm: (args) => run(partPath('helm'), args),
    shell: (line, more) => run('bash', ['-euo', 'pipefail', '-c', line], undefined, more),
    environment,
    image: TANDEM_IMAGE ?? DEFAULT_IMAGE,
    nodes: socket === undefined ? undefined : nodesOf(socket),
  };
}

type NamedCluster = { readonly kubeconfig: string; readonly socket?: string };

async function namedCluster(): Promise<NamedCluster> {
  const { KUBECONFIG: kubeconfig = '', TANDEM_CLUSTERS: folders = '' } = process.env;
  if (kubeconfig !== '') return { kubeconfig };
  if (folders === '')
    throw new Error('KUBECONFIG names no cluster; `npm run test:cluster` brings one up when it is not set');
  return clusterFolder(await claimCluster(folders.split(delimiter)));
}

/** The variables of the user stay: a kubeconfig may name a program that asks for credentials. Caches are those of this cluster alone. */
function environmentOf(kubeconfig: string, folder: string): Readonly<Record<string, string>> {
  const programs = [...new Set([partPath('kubectl'), partPath('helm')].map((path) => dirname(path)))];
  return {
    ...(process.env as Readonly<Record<string, string>>),
    PATH: [...programs, process.env['PATH'] ?? ''].join(delimiter),
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: join(folder, 'kube'),
    HELM_CACHE_HOME: join(folder, 'helm-cache'),
    HELM_CONFIG_HOME: join(folder, 'helm-config'),
    HELM_DATA_HOME: join(folder, 'helm-data'),
  };
}

async function runCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string | undefined,
): Promise<string> {
  const running = promisify(execFile)(command, args, {
    env: { ...env },
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
    timeout: COMMAND_MILLISECONDS,
    killSignal: 'SIGKILL',
  });
  running.child.stdin?.on('error', () => undefined).end(input ?? '');
  try {
    return (await running).stdout;
  } catch (error) {
    const { stdout, stderr, message } = error as Error & Record<'stdout' | 'stderr', string>;
    const [first = ''] = message.split('\n');
    throw new Error(`${first}\n${stdout}${stderr}`.trim(), { cause: error });
  }
}

async function apiOf(kubeconfig: string): Promise<ApiClient> {
  const config = new KubeConfig();
  if (kubeconfig.includes(delimiter)) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error(`${kubeconfig} has no current context with a cluster`);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return apiClient(server, pem(options.ca) ?? '', credentialsOf(options));
}

function credentialsOf({ cert, key, headers }: RequestOptions): Credentials {
  const [certificate, privateKey] = [pem(cert), pem(key)];
  if (certificate !== undefined && privateKey !== undefined) return { certificate, key: privateKey };
  const { Authorization: authorization } = (headers ?? {}) as Readonly<Record<string, string | undefined>>;
  const [, token] = /^Bearer (.*)$/.exec(authorization ?? '') ?? [];
  return token === undefined ? undefined : { token };
}

/** The library gives the text of each file. */
function pem(file: RequestOptions['key']): string | undefined {
  return typeof file === 'string' || Buffer.isBuffer(file) ? file.toString() : undefined;
}

function nodesOf(socketPath: string): Nodes {
  const post = async (path: string): Promise<void> => {
    const [answer] = (await once(request({ socketPath, path, method: 'POST' }).end(), 'response')) as [
      IncomingMessage,
    ];
    const body = await text(answer);
    if (answer.statusCode !== 204) throw new Error(`POST ${path}: ${answer.statusCode} ${body}`);
  };
  return {
    stop: (name) => post(`/nodes/${name}/stop`),
    start: (name) => post(`/nodes/${name}/start`),
  };
}
