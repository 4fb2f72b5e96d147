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
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { createListeners } from '../support/listeners.ts';
import { watchGroup, type WatchGroup } from './watch-group.ts';

export type WatchedKind = 'services' | 'endpointslices' | 'nodes' | 'ingresses' | 'servicecidrs';

type ClusterSource = Source & Pick<WatchGroup<SourceKind>, 'watches' | 'stop'>;

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

/** Starts to watch at once. Nodes are watched once there is a NodePort Service: most installations never need the right. */
export function clusterSource({ client, withIngresses, onRestart }: ClusterSourceOptions): ClusterSource {
  const snapshot = createClusterSnapshot();
  const { tell, onChange } = createListeners<[sources: readonly string[]]>();
  const { start, ...group } = watchGroup<SourceKind>(client, onRestart);

  let areNodesWatched = false;

  const tellTouched = (sources: readonly string[]): void => {
    if (sources.length > 0) tell(sources);
  };
  const watch = <T>(
    kind: SourceKind,
    read: (object: unknown) => T | undefined,
    changed: (before: T | undefined, after: T | undefined) => readonly string[],
    onList?: () => void,
  ): void =>
    start(kind, {
      ...COLLECTIONS[kind],
      read,
      onChange: (_key, before, after) => tellTouched(changed(before, after)),
      ...(onList && { onList }),
    });
  const serviceChanged = (before: Service | undefined, after: Service | undefined): readonly string[] => {
    if (after?.type === 'NodePort' && !areNodesWatched) {
      areNodesWatched = true;
      snapshot.awaitNodes();
      watch('nodes', readNode, snapshot.nodeChanged, () => tellTouched(snapshot.nodesListed()));
    }
    return snapshot.serviceChanged(before, after);
  };

  watch('services', readService, serviceChanged);
  watch('endpointslices', readEndpointSlice, snapshot.sliceChanged);
  if (withIngresses) watch('ingresses', readIngress, snapshot.ingressChanged);
  return { snapshot, onChange, ...group };
}
