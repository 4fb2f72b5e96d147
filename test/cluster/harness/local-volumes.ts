/** Provisions the volumes of the default class: an empty folder on the node of the pod, removed with its claim. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { apiClient } from '../../../src/kubernetes/api-client.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import { kubeconfigAccess } from '../../../src/kubernetes/kubeconfig.ts';
import { watchResource } from '../../../src/kubernetes/watch-resource.ts';
import type { ApiClient } from '../../real/harness/api-client.ts';
import { LOCAL_CLASS, LOCAL_PROVISIONER } from './addons.ts';

type Claim = {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly accessModes: readonly string[];
    readonly resources: { readonly requests: { readonly storage: string } };
  };
};

type Volume = {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: { readonly phase?: string };
};

export type LocalVolumes = { readonly stop: () => Promise<void> };

// https://kubernetes.io/docs/reference/labels-annotations-taints/#volume-kubernetes-io-selected-node
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';

/**
 * Works as provisioners outside of Kubernetes do; https://kubernetes.io/docs/concepts/storage/storage-classes/#provisioner
 *
 * @param folderOf the folder of a node, as this machine knows it
 */
export function provisionLocalVolumes(
  admin: ApiClient,
  kubeconfig: string,
  folderOf: (node: string) => string | undefined,
  onError: (error: Error) => void,
): LocalVolumes {
  const client = apiClient(kubeconfigAccess([kubeconfig]));
  const watch = <T>(path: string, act: (object: T) => Promise<void>) =>
    watchResource<T>({
      client,
      path,
      query: {},
      read: (object) => object as T,
      clock: systemClock,
      random: Math.random,
      onChange: (_key, _before, after) => {
        if (after !== undefined) void act(after).catch(onError);
      },
      onRestart: () => undefined,
    });

  const claims = watch<Claim>('/api/v1/persistentvolumeclaims', async ({ metadata, spec }) => {
    const node = metadata.annotations?.[SELECTED_NODE];
    const folder = node === undefined ? undefined : folderOf(node);
    if (spec.storageClassName !== LOCAL_CLASS || spec.volumeName !== undefined) return;
    if (node === undefined || folder === undefined) return;
    const name = `pvc-${metadata.uid}`;
    mkdirSync(join(folder, 'volumes', name), { recursive: true, mode: 0o755 });
    const answer = await admin.request(
      'POST',
      '/api/v1/persistentvolumes',
      volumeFor(name, node, metadata, spec),
    );
    // Each change of the claim is told, until it is bound.
    if (answer.status !== 201 && answer.status !== 409)
      throw new Error(`volume ${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
  });

  const volumes = watch<Volume>('/api/v1/persistentvolumes', async ({ metadata, status }) => {
    const node = metadata.annotations?.[NODE];
    const folder = node === undefined ? undefined : folderOf(node);
    if (metadata.annotations?.[PROVISIONED_BY] !== LOCAL_PROVISIONER || status?.phase !== 'Released') return;
    if (folder === undefined) return;
    await admin.request('DELETE', `/api/v1/persistentvolumes/${metadata.name}`);
    rmSync(join(folder, 'volumes', metadata.name), { recursive: true, force: true });
  });

  return {
    stop: async () => {
      await Promise.all([claims.stop(), volumes.stop()]);
      client.close();
    },
  };
}

const NODE = `${LOCAL_PROVISIONER.split('/')[0]}/node`;

/** The name is that of the claim's UID, so that a claim of the same name gets an empty one. */
function volumeFor(
  name: string,
  node: string,
  claim: Claim['metadata'],
  { accessModes, resources }: Claim['spec'],
): object {
  const hostname = { key: 'kubernetes.io/hostname', operator: 'In', values: [node] };
  return {
    metadata: { name, annotations: { [PROVISIONED_BY]: LOCAL_PROVISIONER, [NODE]: node } },
    spec: {
      storageClassName: LOCAL_CLASS,
      persistentVolumeReclaimPolicy: 'Delete',
      capacity: { storage: resources.requests.storage },
      accessModes,
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: claim.namespace,
        name: claim.name,
        uid: claim.uid,
      },
      // Unlike hostPath it heeds fsGroup, as the disks of clouds do.
      local: { path: `/run/node/volumes/${name}` },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [hostname] }] } },
    },
  };
}
