/** etcd, API server, controller manager and scheduler, on the network of this machine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiClient, type ApiClient } from '../../real/harness/api-client.ts';
import { kubeconfig } from '../../real/harness/credentials.ts';
import { freePorts } from '../../real/harness/ports.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import type { AddressPlan } from './address-plan.ts';
import type { StartDaemon } from './daemons.ts';
import type { Pki } from './pki.ts';

export type ControlPlane = {
  /** What nodes, pods and this machine reach the API server at. */
  readonly url: string;
  readonly admin: ApiClient;
  /** Writes a kubeconfig of mode 0600. */
  readonly writeKubeconfig: (path: string, pair: KeyPair) => void;
};

/**
 * A node counts as lost when nothing was heard of it for so long. By default it is 50 s; as there, it is longer than another
 * replica needs to take over a Lease, and other servers of Consul to elect a leader.
 */
const NODE_GRACE_SECONDS = 20;

/**
 * Resolves when the API server is ready.
 *
 * @param signal ends what is asked of it
 */
export async function startControlPlane(
  start: StartDaemon,
  folder: string,
  plan: AddressPlan,
  pki: Pki,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<ControlPlane> {
  const [etcdPort = 0, peerPort = 0] = await freePorts(2);
  const [apiPort = 0] = await freePorts(1, plan.host);
  const url = `https://${plan.host}:${apiPort}`;
  const admin = apiClient(url, pki.ca, pki.admin, signal);
  const writeKubeconfig = (path: string, pair: KeyPair): void =>
    writeFileSync(path, JSON.stringify(kubeconfig(url, pki.ca, pair)), { mode: 0o600 });
  writeKubeconfig(join(folder, 'controller-manager.kubeconfig'), pki.controllerManager);
  writeKubeconfig(join(folder, 'scheduler.kubeconfig'), pki.scheduler);

  await start({ name: 'etcd', args: etcdArguments(folder, pki, etcdPort, peerPort) });
  await start({
    name: 'kube-apiserver',
    args: apiServerArguments(plan, pki, etcdPort, apiPort),
    ready: async () => (await admin.request('GET', '/readyz')).status === 200,
  });
  say('the API server is ready');
  await start({ name: 'kube-controller-manager', args: controllerManagerArguments(folder, pki) });
  await start({ name: 'kube-scheduler', args: schedulerArguments(folder) });
  return { url, admin, writeKubeconfig };
}

/** With certificates of clients: whoever reads etcd reads every Secret, and other people may be on this machine. */
function etcdArguments(folder: string, pki: Pki, port: number, peer: number): readonly string[] {
  const [url, peerUrl] = [`https://127.0.0.1:${port}`, `https://127.0.0.1:${peer}`];
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    ...['', 'peer-'].flatMap((prefix) => [
      `--${prefix}cert-file=${join(pki.folder, 'etcd.crt')}`,
      `--${prefix}key-file=${join(pki.folder, 'etcd.key')}`,
      `--${prefix}trusted-ca-file=${join(pki.folder, 'etcd-ca.crt')}`,
      `--${prefix}client-cert-auth`,
    ]),
    // Its data live as long as it does.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiServerArguments(plan: AddressPlan, pki: Pki, etcdPort: number, port: number): readonly string[] {
  const at = (name: string): string => join(pki.folder, name);
  return [
    `--etcd-servers=https://127.0.0.1:${etcdPort}`,
    `--etcd-cafile=${at('etcd-ca.crt')}`,
    `--etcd-certfile=${at('etcd-client.crt')}`,
    `--etcd-keyfile=${at('etcd-client.key')}`,
    `--bind-address=${plan.host}`,
    `--advertise-address=${plan.host}`,
    `--secure-port=${port}`,
    '--allow-privileged',
    `--tls-cert-file=${at('apiserver.crt')}`,
    `--tls-private-key-file=${at('apiserver.key')}`,
    `--client-ca-file=${at('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${plan.services}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${at('service-accounts.key')}`,
    `--service-account-signing-key-file=${at('service-accounts.key')}`,
    `--requestheader-client-ca-file=${at('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${at('front-proxy-client.crt')}`,
    `--proxy-client-key-file=${at('front-proxy-client.key')}`,
    `--kubelet-client-certificate=${at('kubelet-client.crt')}`,
    `--kubelet-client-key=${at('kubelet-client.key')}`,
    `--kubelet-certificate-authority=${at('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

function controllerManagerArguments(folder: string, pki: Pki): readonly string[] {
  const at = (name: string): string => join(pki.folder, name);
  const access = join(folder, 'controller-manager.kubeconfig');
  return [
    `--kubeconfig=${access}`,
    '--secure-port=0',
    '--leader-elect=false',
    '--use-service-account-credentials',
    `--root-ca-file=${at('ca.crt')}`,
    `--service-account-private-key-file=${at('service-accounts.key')}`,
    `--cluster-signing-cert-file=${at('ca.crt')}`,
    `--cluster-signing-key-file=${at('ca.key')}`,
    '--node-monitor-period=1s',
    `--node-monitor-grace-period=${NODE_GRACE_SECONDS}s`,
    `--flex-volume-plugin-dir=${join(folder, 'volume-plugins')}`,
  ];
}

function schedulerArguments(folder: string): readonly string[] {
  return [`--kubeconfig=${join(folder, 'scheduler.kubeconfig')}`, '--secure-port=0', '--leader-elect=false'];
}
