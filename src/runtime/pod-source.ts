/** The injected pods and what their registrations depend on, as the registrar sees them: watches that fill a snapshot. */
import { INJECTED, STATUS } from '../model/kubernetes-names.ts';
import { readMeshAccount, readMeshNode } from '../catalog/mesh/mesh-cluster.ts';
import { readInjectedPod, sourceOfPod, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { readMeshService } from '../catalog/mesh/mesh-service.ts';
import { createPodSnapshot, type PodSnapshotOptions, type Touched } from '../controllers/pod-snapshot.ts';
import type { PodSource } from '../controllers/registrar-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import type { ListWatchStatus } from '../kubernetes/list-watch.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource, type ResourceWatch } from '../kubernetes/watch-resource.ts';
import { aborted } from '../support/aborted.ts';
import { createListeners } from '../support/listeners.ts';
import { withinRefresh } from './within-refresh.ts';

export type PodKind = 'pods' | 'nodes' | 'services' | 'serviceaccounts';

type ClusterPods = PodSource & {
  /** Has all lists without which nothing is registered. */
  readonly isSynced: () => boolean;
  readonly watches: () => Readonly<Partial<Record<PodKind, ListWatchStatus>>>;
  readonly stop: () => Promise<void>;
};

type ClusterPodsOptions = PodSnapshotOptions & {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly onRestart: (kind: PodKind, failure: WatchFailure) => void;
  /** @param source `Pod/<namespace>/<name>` or `Node/<name>` */
  readonly onRefusedAddress: (source: string, reason: string) => void;
  readonly onPod: (before: InjectedPod | undefined, after: InjectedPod | undefined) => void;
};

type Addressed = { readonly refusedAddress?: string | undefined };

/**
 * Starts to watch at once. Services and ServiceAccounts only if a registration depends on them: most installations never need these rights.
 * Their addresses matter once there is a pod with redirected traffic; nothing else waits for them.
 */
export function clusterPods({
  client,
  onRestart,
  onRefusedAddress,
  onPod,
  ...options
}: ClusterPodsOptions): ClusterPods {
  const snapshot = createPodSnapshot(options);
  const { tell, onChange } = createListeners<[touched: Touched]>();
  const watches = new Map<PodKind, ResourceWatch<unknown>>();
  const start = <T>(
    kind: PodKind,
    read: (object: unknown) => T | undefined,
    changed: (before: T | undefined, after: T | undefined) => Touched,
  ): ResourceWatch<T> => {
    const watch = watchResource({
      client,
      ...systemRuntime,
      path: `/api/v1/${kind}`,
      query: kind === 'pods' ? { labelSelector: `${STATUS}=${INJECTED}` } : {},
      read,
      onChange: (_key, before, after) => {
        const touched = changed(before, after);
        if (touched.nodes.length + touched.hosts.length > 0 || touched.isEnd) tell(touched);
      },
      onRestart: (failure) => onRestart(kind, failure),
    });
    watches.set(kind, watch);
    return watch;
  };
  const check = (source: string, before: Addressed | undefined, after: Addressed | undefined): void => {
    const refused = after?.refusedAddress;
    if (refused !== undefined && refused !== before?.refusedAddress) onRefusedAddress(source, refused);
  };
  const pods = start('pods', readInjectedPod, (before, after) => {
    if (after !== undefined) check(sourceOfPod(after), before, after);
    onPod(before, after);
    const touched = snapshot.podChanged(before, after);
    if (snapshot.hasRedirected()) startServices();
    return touched;
  });
  start('nodes', readMeshNode, (before, after) => {
    if (after !== undefined) check(`Node/${after.name}`, before, after);
    return snapshot.nodeChanged(before, after);
  });
  if (options.podsLogIn) start('serviceaccounts', readMeshAccount, snapshot.accountChanged);
  if (options.namesFollowServices) startServices();
  const needed = [...watches.values()];
  const synced = Promise.all(needed.map((watch) => watch.synced));

  function startServices(): void {
    if (watches.has('services')) return;
    const services = start('services', readMeshService, snapshot.serviceChanged);
    void services.synced.then(() => tell(snapshot.servicesListed()));
  }

  return {
    snapshot,
    isSynced: () => needed.every((watch) => watch.status().isSynced),
    synced: async (signal) => void (await Promise.race([synced, aborted(signal)])),
    onChange,
    refresh: (signal) => withinRefresh(pods.relist(), signal),
    watches: () => Object.fromEntries([...watches].map(([kind, watch]) => [kind, watch.status()])),
    stop: async () => void (await Promise.all([...watches.values()].map((watch) => watch.stop()))),
  };
}
