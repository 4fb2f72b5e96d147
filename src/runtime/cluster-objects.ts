/** Where `plan` and `explain` read the cluster from: a kubeconfig, or files. */
import type { Source } from '../controllers/sync-ports.ts';
import type { JsonObject } from '../support/json.ts';
import type { Context } from './context.ts';
import { clusterOwner } from './cluster-owner.ts';
import { clusterSource } from './cluster-source.ts';
import { readManifestDocuments } from './manifest-documents.ts';
import { manifestObjectsOf } from './manifest-objects.ts';
import { createObjectSnapshot } from './object-snapshot.ts';
import { tell } from './tell.ts';
import { withCluster } from './with-cluster.ts';

type ReadCluster = {
  readonly snapshot: Source['snapshot'];
  readonly owner: string;
  /** Objects from files, of all kinds; undefined if they come from the cluster. */
  readonly objects: readonly JsonObject[] | undefined;
};

type ReadClusterOptions = {
  readonly kubeconfig: string | undefined;
  /** Files and folders; if there are none, the cluster. */
  readonly files: readonly string[];
  readonly owner: string | undefined;
  readonly withIngresses: boolean;
};

/** The owner that objects from files belong to, when no flag says it. */
export const OWNER_OF_FILES = 'files';

/** @throws TandemError TANDEM_FILE_UNREADABLE, TANDEM_KUBECONFIG_INVALID, TANDEM_KUBERNETES_… */
export async function readCluster(options: ReadClusterOptions, context: Context): Promise<ReadCluster> {
  const { files, owner } = options;
  if (files.length === 0) return readLiveCluster(options, context);
  const { snapshot, replace } = createObjectSnapshot();
  const objects = await objectsOfFiles(files, context);
  replace(objects);
  return { snapshot, owner: owner ?? OWNER_OF_FILES, objects };
}

/** Objects of all kinds; one that is defined more than once is reported. */
export async function objectsOfFiles(
  files: readonly string[],
  { stdin, stderr }: Context,
): Promise<readonly JsonObject[]> {
  const { objects, repeated } = manifestObjectsOf(await readManifestDocuments(files, stdin));
  for (const each of repeated) tell(stderr, `tandem: ${each}`);
  return objects;
}

/** The same without the Services. @throws TandemError as `readCluster` */
export async function readOwner(
  { files, owner, kubeconfig }: Omit<ReadClusterOptions, 'withIngresses'>,
  context: Context,
): Promise<Pick<ReadCluster, 'owner' | 'objects'>> {
  if (files.length > 0)
    return { owner: owner ?? OWNER_OF_FILES, objects: await objectsOfFiles(files, context) };
  if (owner !== undefined) return { owner, objects: undefined };
  const { environment, signal } = context;
  const known = await withCluster({ kubeconfig, environment }, (client) => clusterOwner(client, signal));
  return { owner: known, objects: undefined };
}

async function readLiveCluster(
  { kubeconfig, owner, withIngresses }: ReadClusterOptions,
  { environment, stderr, signal }: Context,
): Promise<ReadCluster> {
  return withCluster({ kubeconfig, environment }, async (client) => {
    const known = owner ?? (await clusterOwner(client, signal));
    const source = clusterSource({
      client,
      withIngresses,
      onRestart: (kind, { error }) => tell(stderr, `tandem: cannot read ${kind}: ${error?.message ?? ''}`),
    });
    await source.synced(signal);
    await source.stop();
    return { snapshot: source.snapshot, owner: known, objects: undefined };
  });
}
