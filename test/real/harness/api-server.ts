/** A real kube-apiserver: TLS, RBAC, and the admission plugins that a cluster has by default. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newCa, newLeaf } from '../../../src/certificates/sign.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { partPath } from '../parts.ts';
import { apiClient, type ApiClient, type Credentials } from './api-client.ts';
import { clientPair, kubeconfig } from './credentials.ts';
import { startEtcd } from './etcd.ts';
import { freePorts } from './ports.ts';
import type { RunningProcess } from './processes.ts';
import type { Scene } from './scene.ts';

export type ApiServer = {
  readonly url: string;
  readonly ca: string;
  /** URL of its etcd. */
  readonly etcd: string;
  /** The running one; `restart` exchanges it. */
  readonly process: () => RunningProcess;
  readonly restart: (signal?: NodeJS.Signals) => Promise<void>;
  /** May do anything. */
  readonly admin: ApiClient;
  /** A client certificate of this user. */
  readonly userPair: (name: string, group?: string) => Promise<KeyPair>;
  /** A client that may do what RBAC gives to this user or these groups. */
  readonly asUser: (name: string, group?: string) => Promise<ApiClient>;
  /** A client with a real token of the ServiceAccount, which must be there. */
  readonly asServiceAccount: (namespace: string, name: string) => Promise<ApiClient>;
  /** With the ServiceAccount `default`, which the controller manager would make. */
  readonly createNamespace: (name: string, labels?: Readonly<Record<string, string>>) => Promise<void>;
  /** A kubeconfig file of mode 0600; of the administrator unless told, and straight to the server. */
  readonly kubeconfig: (credentials?: Credentials, server?: string) => string;
  /** A token as the kubelet would mount it. */
  readonly serviceAccountToken: (namespace: string, name: string) => Promise<string>;
};

/**
 * @param stored URL of the etcd of another API server, whose cluster it serves then; else it gets one of its own
 * @param more arguments of kube-apiserver
 */
export async function startApiServer(
  scene: Scene,
  stored?: string,
  more: readonly string[] = [],
): Promise<ApiServer> {
  const etcd = stored ?? (await startEtcd(scene)).url;
  const [port = 0] = await freePorts(1);
  const folder = join(scene.folder, `api-server-${port}`);
  mkdirSync(folder, { mode: 0o700 });
  const url = `https://127.0.0.1:${port}`;
  const { ca, administrator } = createCredentials(folder);
  const admin = apiClient(url, ca.certificate, administrator);
  scene.atEnd(() => admin.close());

  const start = (): Promise<RunningProcess> =>
    scene.start({
      name: 'kube-apiserver',
      command: partPath('kube-apiserver'),
      args: [...serverArguments(folder, port, etcd), ...more],
      folder,
      ready: async () => (await admin.request('GET', '/readyz')).status === 200,
    });
  let current = await start();
  const clients = (credentials: Credentials): ApiClient => {
    const client = apiClient(url, ca.certificate, credentials);
    scene.atEnd(() => client.close());
    return client;
  };
  const serviceAccountToken = async (namespace: string, name: string): Promise<string> => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = (await admin.expect('POST', path, request)) as unknown as {
      status: { token: string };
    };
    return status.token;
  };
  let written = 0;

  return {
    url,
    ca: ca.certificate,
    etcd,
    process: () => current,
    restart: async (signal = 'SIGKILL') => {
      await current.stop(signal);
      current = await start();
    },
    admin,
    userPair: (name, group) => clientPair(ca, name, group),
    asUser: async (name, group) => clients(await clientPair(ca, name, group)),
    asServiceAccount: async (namespace, name) =>
      clients({ token: await serviceAccountToken(namespace, name) }),
    serviceAccountToken,
    createNamespace: async (name, labels = {}) => {
      await admin.expect('POST', '/api/v1/namespaces', { metadata: { name, labels } });
      await admin.expect('POST', `/api/v1/namespaces/${name}/serviceaccounts`, {
        metadata: { name: 'default' },
      });
    },
    kubeconfig: (credentials = administrator, server = url) => {
      const path = join(folder, `kubeconfig-${(written += 1)}`);
      writeFileSync(path, JSON.stringify(kubeconfig(server, ca.certificate, credentials)), { mode: 0o600 });
      return path;
    },
  };
}

const UNUSED_GROUPS = [
  'autoscaling/v1',
  'autoscaling/v2',
  'certificates.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'node.k8s.io/v1',
  'resource.k8s.io/v1',
  'storage.k8s.io/v1',
];

function serverArguments(folder: string, port: number, etcd: string): readonly string[] {
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${folder}/server.crt`,
    `--tls-private-key-file=${folder}/server.key`,
    `--client-ca-file=${folder}/ca.crt`,
    `--token-auth-file=${folder}/tokens.csv`,
    `--service-account-key-file=${folder}/service-account.key`,
    `--service-account-signing-key-file=${folder}/service-account.key`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    // Nobody counts what a namespace has: a pod that a quota is for would wait for the controller manager. The others look at
    // groups that are off.
    '--disable-admission-plugins=ResourceQuota,RuntimeClass,DefaultStorageClass,PersistentVolumeClaimResize',
    // Nothing here is of these groups, and each of their resources has a connection to etcd and a cache: a fifth of the start.
    `--runtime-config=${UNUSED_GROUPS.map((group) => `${group}=false`).join()}`,
    '--enable-priority-and-fairness=false',
    '--etcd-count-metric-poll-period=0',
    '--etcd-db-metric-poll-interval=0',
    // The endpoint of the API server itself is kept in step by a loop that only costs time here.
    '--endpoint-reconciler-type=none',
  ];
}

/** All that it needs to know others and to be known; the administrator has a token, which is made faster than a certificate. */
function createCredentials(folder: string): {
  readonly ca: KeyPair;
  readonly administrator: { readonly token: string };
} {
  const life = { now: Date.now(), life: 60 * 60 * 1000 };
  const ca = newCa(life);
  const server = newLeaf(ca, ['kubernetes', '127.0.0.1', 'localhost'], life);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const token = randomUUID();
  const files = {
    'ca.crt': ca.certificate,
    'server.crt': server.certificate,
    'server.key': server.key,
    'service-account.key': String(privateKey.export({ type: 'sec1', format: 'pem' })),
    'tokens.csv': `${token},admin,admin,system:masters\n`,
  };
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  return { ca, administrator: { token } };
}
