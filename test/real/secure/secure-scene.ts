/** Consul servers and a client agent that run as the chart runs them, on Secrets that `tandem secure` makes in a real API server. */
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { runInProcess } from '../../integration/cli/in-process.ts';
import { startApiServer, type ApiServer } from '../harness/api-server.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import { freePorts } from '../harness/ports.ts';
import type { RunningProcess } from '../harness/processes.ts';
import type { Scene } from '../harness/scene.ts';
import { partPath } from '../parts.ts';
import { TANDEM } from '../harness/tandem-program.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
export const NAMESPACE = 'consul';
export const NAME = 'mesh';
const ACCOUNT = 'mesh-secure';
export const DNS_PORT = 8600;
/** Secrets that a test may bring. */
const BROUGHT = ['my-ca', 'my-gossip', 'my-server', 'my-client'];

export type StartedAgent = {
  readonly pod: string;
  readonly address: string;
  readonly process: () => RunningProcess;
  readonly restart: () => Promise<void>;
  /** Exchanges the files, as the kubelet does it with a mounted Secret. */
  readonly swap: () => Promise<void>;
};

export type SecureScene = {
  readonly api: ApiServer;
  readonly secret: (name: string) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Makes or replaces one that is brought. */
  readonly bring: (name: string, texts: Readonly<Record<string, string>>) => Promise<void>;
  /** Of all objects in the namespace that have been written: kind, name and version, to see that nothing was. */
  readonly versions: () => Promise<string>;
  /** Gives every `tandem secure` another token of its account, as the kubelet does it. */
  readonly renewToken: () => Promise<void>;
  readonly flags: readonly string[];
  readonly loop: (flags?: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<Loop>;
  /** As `loop`, which may fail to serve. */
  readonly launch: (
    flags?: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ) => Promise<RunningProcess>;
  /** In this process, until it ends. */
  readonly run: (flags: readonly string[]) => Promise<{ readonly code: number | null; readonly log: string }>;
  readonly startServers: (
    count: 1 | 3,
    stage?: Readonly<Record<string, unknown>>,
  ) => Promise<readonly StartedAgent[]>;
  readonly startClient: (servers: readonly StartedAgent[]) => Promise<StartedAgent>;
  readonly servedSerial: (agent: StartedAgent) => Promise<string>;
  /** HTTPS without a look at the certificate. */
  readonly ask: (
    agent: StartedAgent,
    method: string,
    path: string,
    options?: { readonly token?: string; readonly body?: unknown },
  ) => Promise<{ readonly status: number; readonly json: unknown; readonly text: string }>;
};

export type Loop = {
  readonly process: RunningProcess;
  readonly url: string;
  readonly status: () => Promise<{ readonly controllers: readonly { readonly step?: string }[] }>;
  readonly metrics: () => Promise<string>;
  /** Resolves when nothing is due. */
  readonly settled: () => Promise<void>;
};

type Granted = {
  readonly roles: readonly KubernetesObject[];
  readonly arguments?: readonly string[];
};

/** What the chart configures in `require`; HTTPS alone, because every test is on the same machine. */
export const REQUIRE = {
  encrypt_verify_outgoing: true,
  encrypt_verify_incoming: true,
  acl: { enabled: true, default_policy: 'deny', down_policy: 'extend-cache' },
};

/**
 * @param more flags of every `tandem secure`
 * @param of whose cluster it is, and where its servers are
 * @param granted roles that the loop has in the place of those of this file, with their bindings; and arguments of the API server
 */
export async function startSecureScene(
  scene: Scene,
  more: readonly string[] = [],
  of: readonly string[] = ['--owner=east', '--server-selector=component=server'],
  granted?: Granted,
): Promise<SecureScene> {
  const api = await startApiServer(scene, undefined, granted?.arguments);
  const { admin } = api;
  await api.createNamespace(NAMESPACE);
  for (const name of ['mesh-auth-method', 'mesh-sync', 'mesh-test'])
    await admin.expect('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name } });
  await grantReviewer(api);
  const caFile = join(scene.folder, 'api-ca.pem');
  writeFileSync(caFile, api.ca);
  // Each file of tests has addresses of its own, with Consul's own ports.
  const net = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
  const kubeconfig = await ownKubeconfig(api, granted?.roles);
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    `--name=${NAME}`,
    `--namespace=${NAMESPACE}`,
    ...of,
    '--sync-directions=to-consul,registrar-dataplane',
    `--auth-method-host=${api.url}`,
    `--auth-method-ca-file=${caFile}`,
    ...more,
  ];
  const secret: SecureScene['secret'] = async (name) => {
    const { status, body } = await admin.request('GET', `/api/v1/namespaces/${NAMESPACE}/secrets/${name}`);
    if (status === 404) return undefined;
    const { data = {} } = body as { readonly data?: Readonly<Record<string, string>> };
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  };
  const { run, launch, loop } = programs(scene, flags);
  let last = 0;
  const start = async (kind: 'server' | 'client', configuration: object): Promise<StartedAgent> => {
    last += 1;
    const pod = `${kind}-${last}`;
    const address = `${net}.${last}`;
    const folder = join(scene.folder, pod);
    mkdirSync(folder, { mode: 0o700 });
    const swap = async (): Promise<void> => swapFiles(folder, await secret(`${NAME}-${kind}-secrets`));
    await eventually(`the Secret of ${kind}s`, async () => {
      if ((await secret(`${NAME}-${kind}-secrets`)) === undefined) throw new Error('it is not there');
    });
    await swap();
    const file = join(folder, 'agent.json');
    writeFileSync(file, JSON.stringify({ ...configurationOf(pod, address, folder), ...configuration }));
    const startProcess = (): Promise<RunningProcess> =>
      scene.start({
        name: `consul ${pod}`,
        command: partPath('consul'),
        args: ['agent', `-config-file=${file}`, `-config-file=${join(folder, 'secrets/tandem.json')}`],
        folder,
        ready: async () => (await ask(address, 'GET', '/v1/status/leader', {})).status === 200,
      });
    await createPod(api, pod, kind);
    let running: RunningProcess | undefined;
    // A client agent serves nothing before its token is there, which the loop makes later.
    const starting = startProcess().then((started) => (running = started));
    await setAddress(api, pod, address);
    await starting;
    return {
      pod,
      address,
      process: () => running ?? unstarted(),
      restart: async () => {
        await (running ?? unstarted()).stop('SIGTERM');
        await swap();
        running = await startProcess();
      },
      swap,
    };
  };
  return {
    api,
    flags,
    secret,
    bring: async (name, stringData) => {
      const path = `/api/v1/namespaces/${NAMESPACE}/secrets`;
      const body = { metadata: { name }, stringData };
      const { status } = await admin.request('PUT', `${path}/${name}`, body);
      if (status === 404) await admin.expect('POST', path, body);
    },
    versions: async () => {
      const lists = await Promise.all(
        ['secrets', 'configmaps'].map((kind) =>
          admin.expect('GET', `/api/v1/namespaces/${NAMESPACE}/${kind}`),
        ),
      );
      const items = lists.flatMap((list) => list['items'] as readonly KubernetesObject[]);
      return items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).join('\n');
    },
    renewToken: async () => copyFileSync(await kubeconfigOf(api, ACCOUNT), kubeconfig),
    loop,
    launch,
    run,
    startServers: (count, stage = REQUIRE) => {
      const addresses = Array.from({ length: count }, (_, at) => `${net}.${last + at + 1}`);
      const server = {
        server: true,
        bootstrap_expect: count,
        retry_join: count === 1 ? [] : addresses,
        connect: { enabled: true },
        auto_encrypt: { allow_tls: true },
        tls: {
          ...tls('defaults'),
          internal_rpc: { verify_incoming: true, verify_server_hostname: true },
        },
        ...stage,
      };
      return Promise.all(addresses.map(() => start('server', server)));
    },
    startClient: (servers) =>
      start('client', {
        retry_join: servers.map(({ address }) => address),
        auto_encrypt: { tls: true },
        tls: {
          defaults: { ca_file: 'secrets/ca.crt', verify_outgoing: true },
          https: pairOf(),
          grpc: pairOf(),
          internal_rpc: { verify_server_hostname: true },
        },
        ...REQUIRE,
      }),
    servedSerial: async ({ address }) => {
      const socket = connect({ host: address, port: 8501, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    },
    ask: ({ address }, method, path, options = {}) => ask(address, method, path, options),
  };
}

const pairOf = (): object => ({ cert_file: 'secrets/tls.crt', key_file: 'secrets/tls.key' });
const tls = (of: 'defaults'): object => ({
  [of]: { ca_file: 'secrets/ca.crt', ...pairOf(), verify_outgoing: true },
});

function unstarted(): never {
  throw new Error('it was not started');
}

function programs(scene: Scene, common: readonly string[]): Pick<SecureScene, 'loop' | 'launch' | 'run'> {
  const spec = { name: 'tandem secure', command: process.execPath };
  return {
    launch: (flags = [], environment = {}) =>
      scene.start({
        ...spec,
        args: [TANDEM, 'secure', ...common, '--status-listen=127.0.0.1:0', ...flags],
        environment,
      }),
    run: async (flags) => {
      const { code, stdout, stderr } = await runInProcess(['secure', ...common, ...flags]);
      return { code, log: stdout + stderr };
    },
    loop: async (flags = [], environment = {}) => {
      const [port = 0] = await freePorts(1);
      const url = `http://127.0.0.1:${port}`;
      const running = await scene.start({
        ...spec,
        args: [TANDEM, 'secure', ...common, `--status-listen=127.0.0.1:${port}`, ...flags],
        environment,
        ready: async () => (await fetch(`${url}/health/ready`)).ok,
      });
      const status: Loop['status'] = async () => (await (await fetch(`${url}/status`)).json()) as never;
      return {
        process: running,
        url,
        status,
        metrics: async () => (await fetch(`${url}/metrics`)).text(),
        settled: () =>
          eventually('nothing is due', async () => {
            const step = (await status()).controllers[0]?.step;
            if (step?.startsWith('keep') !== true) throw new Error(`the next step is ${step}`);
          }),
      };
    },
  };
}

function configurationOf(node: string, address: string, folder: string): object {
  return {
    node_name: node,
    data_dir: join(folder, 'data'),
    bind_addr: address,
    client_addr: address,
    retry_interval: '1s',
    performance: { raft_multiplier: 1 },
    log_level: 'warn',
    disable_update_check: true,
    disable_keyring_file: true,
    ports: { http: -1, https: 8501, grpc: -1, grpc_tls: 8503, dns: DNS_PORT, serf_wan: -1 },
  };
}

/** A folder that is exchanged by a link, so that no reader sees half of it. */
function swapFiles(folder: string, texts: Readonly<Record<string, string>> | undefined): void {
  const version = `version-${process.hrtime.bigint()}`;
  mkdirSync(join(folder, version));
  for (const [name, content] of Object.entries(texts ?? {}))
    writeFileSync(join(folder, version, name), content, { mode: 0o600 });
  rmSync(join(folder, 'next'), { force: true });
  symlinkSync(version, join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'secrets'));
}

async function createPod({ admin }: ApiServer, name: string, component: string): Promise<void> {
  await admin.expect('POST', `/api/v1/namespaces/${NAMESPACE}/pods`, {
    metadata: { name, labels: { component } },
    spec: { containers: [{ name: 'consul', image: 'consul' }] },
  });
}

async function setAddress({ admin }: ApiServer, name: string, podIP: string): Promise<void> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/status`;
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }] };
  await admin.expect('PATCH', path, { status }, 'application/merge-patch+json');
}

/** With the rights that the loop needs, and no other. */
async function ownKubeconfig(api: ApiServer, roles: Granted['roles'] | undefined): Promise<string> {
  const name = ACCOUNT;
  await api.admin.expect('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name } });
  if (roles === undefined) await grantOwn(api, name);
  for (const role of roles ?? []) await api.admin.expect('POST', rbacPath(role), role);
  return kubeconfigOf(api, name);
}

async function kubeconfigOf(api: ApiServer, account: string): Promise<string> {
  return api.kubeconfig({ token: await api.serviceAccountToken(NAMESPACE, account) });
}

function rbacPath({ kind = '', metadata: { namespace } }: KubernetesObject): string {
  return `${RBAC}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${kind.toLowerCase()}s`;
}

async function grantOwn(api: ApiServer, name: string): Promise<void> {
  const all = ['get', 'list', 'watch', 'update', 'patch', 'delete'];
  const secrets = [
    'secure',
    'bootstrap-acl-token',
    'brought',
    'server-secrets',
    'client-secrets',
    'ui-acl-token',
  ];
  const resourceNames = [...secrets, 'acl-replication-acl-token'].map((each) => `${NAME}-${each}`);
  await bind(api, `namespaces/${NAMESPACE}/`, 'Role', name, [
    { apiGroups: [''], resources: ['secrets'], resourceNames, verbs: all },
    { apiGroups: [''], resources: ['secrets'], resourceNames: BROUGHT, verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [`${NAME}-consul-ca`], verbs: all },
    { apiGroups: [''], resources: ['secrets', 'configmaps', 'events'], verbs: ['create'] },
    {
      apiGroups: [''],
      resources: ['serviceaccounts/token'],
      resourceNames: ['mesh-auth-method'],
      verbs: ['create'],
    },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [name],
      verbs: ['get', 'update'],
    },
  ]);
  await bind(api, '', 'ClusterRole', name, [
    { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['namespaces'], resourceNames: ['kube-system'], verbs: ['get'] },
  ]);
}

async function bind(
  { admin }: ApiServer,
  place: string,
  kind: 'Role' | 'ClusterRole',
  name: string,
  rules: readonly object[],
): Promise<void> {
  const collection = `${RBAC}/${place}${kind.toLowerCase()}`;
  await admin.expect('POST', `${collection}s`, { metadata: { name }, rules });
  await admin.expect('POST', `${collection}bindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  });
}

async function grantReviewer(api: ApiServer): Promise<void> {
  await bind(api, '', 'ClusterRole', 'mesh-auth-method', [
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get'] },
  ]);
}

async function ask(
  address: string,
  method: string,
  path: string,
  { token, body }: { readonly token?: string; readonly body?: unknown },
) {
  const outgoing = request(new URL(path, `https://${address}:8501`), {
    method,
    rejectUnauthorized: false,
    agent: false,
    headers: token === undefined ? {} : { 'x-consul-token': token },
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const content = await text(incoming);
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    json = undefined;
  }
  return { status: incoming.statusCode ?? 0, json, text: content };
}
