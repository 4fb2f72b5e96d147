/** The injected pods and their nodes as the registrar sees them: watches that fill a snapshot. */
import { readMeshNode } from '../catalog/connect/cluster.ts';
import { readInjectedPod } from '../catalog/connect/pod.ts';
import { createPodSnapshot, type Touched } from '../controller/pod-snapshot.ts';
import type { PodSource } from '../controller/registrar-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemClock } from '../kubernetes/clock.ts';
import type { ListWatchStatus } from '../kubernetes/list-watch.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource } from '../kubernetes/watch-resource.ts';
import { aborted } from '../support/aborted.ts';
import { withinRefresh } from './within-refresh.ts';

export type PodKind = 'pods' | 'nodes';

export type ClusterPods = PodSource & {
  readonly watches: () => Readonly<Record<PodKind, ListWatchStatus>>;
  readonly stop: () => Promise<void>;
};

export type ClusterPodsOptions = {
  readonly owner: string;
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly onRestart: (kind: PodKind, failure: WatchFailure) => void;
};

const INJECTED = 'consul.hashicorp.com/connect-inject-status=injected';

/** Starts to watch at once. */
export function clusterPods({ owner, client, onRestart }: ClusterPodsOptions): ClusterPods {
  const snapshot = createPodSnapshot(owner);
  const listeners = new Set<(touched: Touched) => void>();
  const tell = (touched: Touched): void => {
    if (touched.nodes.length + touched.hosts.length === 0) return;
    for (const listener of listeners) listener(touched);
  };
  const common = { client, clock: systemClock, random: Math.random };
  const pods = watchResource({
    ...common,
    path: '/api/v1/pods',
    query: { labelSelector: INJECTED },
    read: readInjectedPod,
    onChange: (_key, before, after) => tell(snapshot.podChanged(before, after)),
    onRestart: (failure) => onRestart('pods', failure),
  });
  const nodes = watchResource({
    ...common,
    path: '/api/v1/nodes',
    query: {},
    read: readMeshNode,
    onChange: (_key, before, after) => tell(snapshot.nodeChanged(before, after)),
    onRestart: (failure) => onRestart('nodes', failure),
  });
  const synced = Promise.all([pods.synced, nodes.synced]).then(() => undefined);
  return {
    snapshot,
    synced: (signal) => Promise.race([synced, aborted(signal)]),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refresh: (signal) => withinRefresh(pods.relist(), signal),
    watches: () => ({ pods: pods.status(), nodes: nodes.status() }),
    stop: async () => void (await Promise.all([pods.stop(), nodes.stop()])),
  };
}
