/** Keys and certificates of a cluster, as files of one folder. They are made anew with each cluster. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CA_DAYS, generateCa, generateServing } from '../../../src/certificates/generate.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { clientPair } from '../../real/harness/credentials.ts';
import type { AddressPlan } from './address-plan.ts';

/** https://kubernetes.io/docs/setup/best-practices/certificates/ */
export type Pki = {
  readonly folder: string;
  /** Certificate of the authority that all but etcd and the aggregation trusts. */
  readonly ca: string;
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
  readonly scheduler: KeyPair;
  readonly kubeProxy: KeyPair;
  /** As client and as server, by the name of the node. */
  readonly kubelets: ReadonlyMap<string, { readonly client: KeyPair; readonly server: KeyPair }>;
};

const LIFE = CA_DAYS * 24 * 60 * 60 * 1000;

export async function createPki(folder: string, plan: AddressPlan): Promise<Pki> {
  mkdirSync(folder, { mode: 0o700 });
  const now = Date.now();
  const [ca, etcdCa, frontCa] = await Promise.all([generateCa(now), generateCa(now), generateCa(now)]);
  const server = (from: KeyPair, hosts: readonly string[]): KeyPair =>
    generateServing(from, hosts, now, LIFE);
  const write = (name: string, pair: KeyPair): void => {
    writeFileSync(join(folder, `${name}.crt`), pair.certificate, { mode: 0o600 });
    writeFileSync(join(folder, `${name}.key`), pair.key, { mode: 0o600 });
  };
  const apiServerHosts = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    plan.host,
    plan.apiService,
  ];
  write('ca', ca);
  write('etcd-ca', etcdCa);
  write('front-proxy-ca', frontCa);
  write('etcd', server(etcdCa, ['127.0.0.1']));
  write('etcd-client', await clientPair(etcdCa, 'kube-apiserver'));
  write('apiserver', server(ca, apiServerHosts));
  write('kubelet-client', await clientPair(ca, 'kube-apiserver-kubelet-client', 'system:masters'));
  write('front-proxy-client', await clientPair(frontCa, 'front-proxy-client'));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = String(privateKey.export({ type: 'sec1', format: 'pem' }));
  writeFileSync(join(folder, 'service-accounts.key'), key, { mode: 0o600 });

  const kubelets = plan.nodes.map(async ({ name, address }) => {
    const client = await clientPair(ca, `system:node:${name}`, 'system:nodes');
    return [name, { client, server: server(ca, [name, address]) }] as const;
  });
  return {
    folder,
    ca: ca.certificate,
    admin: await clientPair(ca, 'admin', 'system:masters'),
    controllerManager: await clientPair(ca, 'system:kube-controller-manager'),
    scheduler: await clientPair(ca, 'system:kube-scheduler'),
    kubeProxy: await clientPair(ca, 'system:kube-proxy'),
    kubelets: new Map(await Promise.all(kubelets)),
  };
}
