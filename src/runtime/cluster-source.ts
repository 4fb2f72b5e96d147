/** The cluster as the sync sees it: watched resources that fill a snapshot, and tell which Services to reconcile. */
import { SERVICE_NAME_LABEL } from '../model/kubernetes-names.ts';
import {
  readEndpointSlice,
  readIngress,
  readNode,
  readService,
  type Service,
} from '../model/kubernetes-objects.ts';
import { createClusterSnapshot } from '../controllers/cluster-snapshot.ts';
import type { Source } from '../controllers/sync-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import type { ListWatchStatus } from '../kubernetes/list-watch.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource, type ResourceWatch } from '../kubernetes/watch-resource.ts';
import { aborted } from '../support/aborted.ts';
import { createListeners } from '../support/listeners.ts';
import { withinRefresh } from './within-refresh.ts';

export type WatchedKind = 'services' | 'endpointslices' | 'nodes' | 'ingresses' | 'servicecidrs';

export type ClusterSource = Source & {
  readonly watches: () => Readonly<Partial<Record<WatchedKind, ListWatchStatus>>>;
  readonly stop: () => Promise<void>;
};

type ClusterSourceOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly withIngresses: boolean;
  readonly onRestart: (kind: WatchedKind, failure: WatchFailure) => void;
};

type SourceKind = Exclude<WatchedKind, 'servicecidrs'>;

type Paths = Readonly<
  Record<SourceKind, { readonly path: string; readonly query: Readonly<Record<string, string>> }>
>;

const COLLECTIONS: Paths = {
  services: { path: '/api/v1/services', query: {} },
  endpointslices: {
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    // Those of a Service; others are made by hand, for something else.
    query: { labelSelector: SERVICE_NAME_LABEL },
  },
  nodes: { path: '/api/v1/nodes', query: {} },
  ingresses: { path: '/apis/networking.k8s.io/v1/ingresses', query: {} },
};

/** Starts to watch at once. Nodes are watched from the first NodePort Service on: most rights are never used. */
export function clusterSource({ client, withIngresses, onRestart }: ClusterSourceOptions): ClusterSource {
  const snapshot = createClusterSnapshot();
  const { tell, onChange } = createListeners<[sources: readonly string[]]>();
  const watches = new Map<WatchedKind, ResourceWatch<unknown>>();
  let isStopped = false;

  const tellTouched = (sources: readonly string[]): void => {
    if (sources.length > 0) tell(sources);
  };
  const start = <T>(
    kind: SourceKind,
    read: (object: unknown) => T | undefined,
    changed: (before: T | undefined, after: T | undefined) => readonly string[],
    onList?: () => void,
  ): void => {
    const watch = watchResource({
      ...COLLECTIONS[kind],
      client,
      read,
      ...systemRuntime,
      onChange: (_key, before, after) => tellTouched(changed(before, after)),
      onRestart: (failure) => onRestart(kind, failure),
      ...(onList && { onList }),
    });
    watches.set(kind, watch);
  };
  const serviceChanged = (before: Service | undefined, after: Service | undefined): readonly string[] => {
    if (after?.type === 'NodePort' && !watches.has('nodes') && !isStopped) {
      snapshot.awaitNodes();
      start('nodes', readNode, snapshot.nodeChanged, () => tellTouched(snapshot.nodesListed()));
    }
    return snapshot.serviceChanged(before, after);
  };

  start('services', readService, serviceChanged);
  start('endpointslices', readEndpointSlice, snapshot.sliceChanged);
  if (withIngresses) start('ingresses', readIngress, snapshot.ingressChanged);

  /** Also of those that begin while others are awaited. */
  const all = async (done: (watch: ResourceWatch<unknown>) => Promise<void>): Promise<void> => {
    const seen = new Set<ResourceWatch<unknown>>();
    for (;;) {
      const left = [...watches.values()].filter((watch) => !seen.has(watch));
      if (left.length === 0) return;
      await Promise.all(left.map(done));
      for (const watch of left) seen.add(watch);
    }
  };

  return {
    snapshot,
    synced: (signal) => Promise.race([all((watch) => watch.synced), aborted(signal)]),
    onChange,
    refresh: (signal) =>
      withinRefresh(
        all((watch) => watch.relist()),
        signal,
      ),
    watches: () => Object.fromEntries([...watches].map(([kind, watch]) => [kind, watch.status()])),
    stop: async () => {
      isStopped = true;
      await Promise.all([...watches.values()].map((watch) => watch.stop()));
    },
  };
}
