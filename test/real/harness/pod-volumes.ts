/** The volumes of a pod as temporary folders. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  V1ConfigMap,
  V1Container,
  V1Pod,
  V1Secret,
  V1Volume,
  V1VolumeProjection,
} from '@kubernetes/client-node';
import type { ApiServer } from './api-server.ts';
import { podField } from './container-environment.ts';

// The controller manager, which is not there, would put it into every namespace.
const ROOT_CA = 'kube-root-ca.crt';

/** Name of a volume to its folder. */
export type Volumes = ReadonlyMap<string, string>;

export async function mountVolumes(api: ApiServer, pod: V1Pod, folder: string): Promise<Volumes> {
  const volumes = new Map<string, string>();
  for (const volume of pod.spec?.volumes ?? []) {
    const path = join(folder, volume.name);
    mkdirSync(path, { recursive: true });
    for (const [file, content] of await volumeFiles(api, pod, volume))
      writeFileSync(join(path, file), content, { mode: 0o600 });
    volumes.set(volume.name, path);
  }
  return volumes;
}

async function volumeFiles(
  api: ApiServer,
  pod: V1Pod,
  volume: V1Volume,
): Promise<readonly (readonly [string, string])[]> {
  if (volume.emptyDir !== undefined || volume.persistentVolumeClaim !== undefined) return [];
  if (volume.configMap?.name !== undefined) return configMapFiles(api, pod, volume.configMap.name);
  if (volume.secret?.secretName !== undefined) return secretFiles(api, pod, volume.secret.secretName);
  const sources: readonly V1VolumeProjection[] =
    volume.projected?.sources ?? (volume.downwardAPI === undefined ? [] : [volume]);
  if (sources.length === 0) throw new Error(`no volume like ${JSON.stringify(volume)} is played here`);
  return (await Promise.all(sources.map((source) => projectedFiles(api, pod, source)))).flat();
}

async function projectedFiles(
  api: ApiServer,
  pod: V1Pod,
  source: V1VolumeProjection,
): Promise<readonly (readonly [string, string])[]> {
  const { serviceAccountToken: token, downwardAPI, configMap } = source;
  // The CA that the API server adds to every pod.
  if (configMap?.name === ROOT_CA) return [['ca.crt', api.ca]];
  if (token === undefined)
    return (downwardAPI?.items ?? []).map(({ path, fieldRef }) => [
      path,
      podField(pod, fieldRef?.fieldPath ?? ''),
    ]);
  return [[token.path, await boundToken(api, pod, token.audience, token.expirationSeconds)]];
}

/** As the kubelet asks for it: bound to the pod, so that it ends with it. */
async function boundToken(
  api: ApiServer,
  pod: V1Pod,
  audience: string | undefined,
  expirationSeconds: number | undefined,
): Promise<string> {
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  const account = pod.spec?.serviceAccountName ?? 'default';
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const answer = await api.admin.expect('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  });
  return (answer as unknown as { readonly status: { readonly token: string } }).status.token;
}

async function configMapFiles(
  api: ApiServer,
  pod: V1Pod,
  name: string,
): Promise<readonly (readonly [string, string])[]> {
  const path = `/api/v1/namespaces/${pod.metadata?.namespace ?? ''}/configmaps/${name}`;
  const { data = {} } = (await api.admin.expect('GET', path)) as unknown as V1ConfigMap;
  return Object.entries(data);
}

async function secretFiles(
  api: ApiServer,
  pod: V1Pod,
  name: string,
): Promise<readonly (readonly [string, string])[]> {
  const path = `/api/v1/namespaces/${pod.metadata?.namespace ?? ''}/secrets/${name}`;
  const { data = {} } = (await api.admin.expect('GET', path)) as unknown as V1Secret;
  return Object.entries(data).map(([file, content]) => [file, Buffer.from(content, 'base64').toString()]);
}

/** A kubelet makes what is not there. */
function folderIn(volume: string, subPath: string): string {
  const folder = join(volume, subPath);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * The text with the folders of the volumes in place of the paths where the container mounts them. This is where the play
 * differs from a kubelet, which gives each container a file system of its own.
 */
export function withFolders(text: string, container: V1Container, volumes: Volumes): string {
  const folders = new Map(
    (container.volumeMounts ?? []).map(({ name, mountPath, subPath = '' }) => {
      const volume = volumes.get(name);
      return [mountPath, volume === undefined ? mountPath : folderIn(volume, subPath)];
    }),
  );
  // Whole paths, or what lies below one: `/data` is not in `/data-2`, and not in `/var/data`.
  return text.replaceAll(/(?<![\w./-])\/[\w./-]+/g, (path) => {
    const mount = [...folders.keys()]
      .filter((each) => path === each || path.startsWith(`${each}/`))
      .toSorted((a, b) => b.length - a.length)[0];
    return mount === undefined ? path : `${folders.get(mount)}${path.slice(mount.length)}`;
  });
}
