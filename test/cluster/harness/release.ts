/** The chart installed from nothing, and nothing of it left behind. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MERGE_PATCH } from '../../real/harness/api-client.ts';
import { ROOT, type Cluster } from './cluster.ts';
import { withEvidence } from './evidence.ts';
import { emptyNamespace, makeNamespace, PRIVILEGED, removeNamespace } from './namespaces.ts';
import { allReady } from './ready.ts';
import { emptyAgentFolders } from './agent-folders.ts';

export const RELEASE = 'tandem';
/** The namespace alone is not all: the webhook and what is cluster-wide would stay, and pods of others would not start. */
export const REMOVE_RELEASE = `helm uninstall ${RELEASE} -n ${RELEASE} && kubectl delete namespace ${RELEASE}`;
export const CHART = join(ROOT, 'deploy/charts/tandem');
const NAMESPACE = `/api/v1/namespaces/${RELEASE}`;

export type Release = {
  /** From the beginning of `helm install` until each of its pods was Ready. */
  readonly seconds: number;
  /** `helm test`; gives the seconds that it took. */
  readonly test: () => Promise<number>;
  /** With the namespaces of the tests, which go first: the docs tell people to delete the workloads first. */
  readonly uninstall: (namespaces?: readonly string[]) => Promise<void>;
};

/**
 * Release `tandem` in namespace `tandem`, with the image of the cluster, and the wait until all of it is Ready. Rejects with
 * evidence when something cannot start.
 *
 * @param listens milliseconds in which a container has opened its port
 */
export async function installRelease(
  cluster: Cluster,
  values: Values = {},
  chart: string = CHART,
  listens?: number,
): Promise<Release> {
  await clear(cluster);
  await makeNamespace(cluster, RELEASE, PRIVILEGED);
  return released(cluster, () => withValues(cluster, values, ['install', RELEASE, chart]), listens);
}

/** These files ask pods at their addresses, which a transparent pod refuses; those of the quick start have the default. */
const NOT_BY_DEFAULT = 'connectInject.transparentProxy.defaultEnabled=false';

export type Values = { readonly global?: object; readonly [key: string]: unknown };

/** helm in the namespace of the release, with a file of these values and the image of the cluster. */
export async function withValues(cluster: Cluster, values: Values, args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-values-'));
  try {
    const file = join(folder, 'values.yaml');
    const global = { imageTandem: cluster.image, ...values.global };
    writeFileSync(file, JSON.stringify({ ...values, global }));
    // The suite with the real API server validates the chart; helm needs half a second for it, each time.
    const flags = args.includes(CHART) ? [`--set=${NOT_BY_DEFAULT}`, '--disable-openapi-validation'] : [];
    return await cluster.helm([...args, ...flags, `--namespace=${RELEASE}`, `--values=${file}`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The release that `install` makes, by whatever command. When not all of it becomes Ready, its evidence is kept and it is
 * uninstalled.
 */
export async function released(
  cluster: Cluster,
  install: () => Promise<unknown>,
  listens?: number,
): Promise<Release> {
  const from = performance.now();
  try {
    // `helm install --wait` ends only when all is Ready, and does not say what is not.
    const installing = withEvidence(cluster, [RELEASE], 'helm install', install);
    await Promise.all([installing, allReady(cluster, RELEASE, listens)]);
    // By now each workload is there to be asked.
    await allReady(cluster, RELEASE);
  } catch (error) {
    await uninstall(cluster).catch(() => undefined);
    throw error;
  }
  return {
    seconds: secondsSince(from),
    test: async () => {
      const begun = performance.now();
      await withEvidence(cluster, [RELEASE, 'default'], 'helm test', () =>
        cluster.helm(['test', RELEASE, `--namespace=${RELEASE}`]),
      );
      return secondsSince(begun);
    },
    uninstall: (namespaces) => uninstall(cluster, namespaces),
  };
}

/** What a run that was killed has left of a release. In somebody else's cluster it may be theirs, and is left alone. */
export async function clear(cluster: Cluster): Promise<void> {
  const { status } = await cluster.api.request('GET', NAMESPACE);
  if (status === 404) return;
  if (cluster.nodes === undefined)
    throw new Error(
      `this cluster has a namespace tandem, where the suite installs; remove it first: ${REMOVE_RELEASE}`,
    );
  await uninstall(cluster);
}

async function uninstall(cluster: Cluster, namespaces: readonly string[] = []): Promise<void> {
  await Promise.all(namespaces.map((namespace) => removeNamespace(cluster, namespace)));
  await cluster.helm(['uninstall', RELEASE, `--namespace=${RELEASE}`, '--ignore-not-found']);
  await emptyNamespace(cluster.api, RELEASE);
  await cluster.api.expect('PATCH', NAMESPACE, { metadata: { labels: PRIVILEGED } }, MERGE_PATCH);
  try {
    await emptyAgentFolders(cluster, RELEASE);
  } finally {
    await removeNamespace(cluster, RELEASE);
  }
}

export function secondsSince(from: number): number {
  return Math.round((performance.now() - from) / 100) / 10;
}
