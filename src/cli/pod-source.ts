/** The injected pods of the cluster as the registrar sees them: one watch that fills a snapshot. */
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

export type ClusterPods = PodSource & {
  readonly status: () => ListWatchStatus;
  readonly stop: () => Promise<void>;
};

export type ClusterPodsOptions = {
  readonly owner: string;
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly onRestart: (failure: WatchFailure) => void;
};

const INJECTED = 'consul.hashicorp.com/connect-inject-status=injected';

/** Starts to watch at once. */
export function clusterPods({ owner, client, onRestart }: ClusterPodsOptions): ClusterPods {
  const snapshot = createPodSnapshot(owner);
  const listeners = new Set<(touched: Touched) => void>();
  const watch = watchResource({
    client,
    path: '/api/v1/pods',
    query: { labelSelector: INJECTED },
    read: readInjectedPod,
    clock: systemClock,
    random: Math.random,
    onChange: (_key, before, after) => {
      const touched = snapshot.podChanged(before, after);
      for (const listener of listeners) listener(touched);
    },
    onRestart,
  });
  return {
    snapshot,
    synced: (signal) => Promise.race([watch.synced, aborted(signal)]),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refresh: (signal) => withinRefresh(watch.relist(), signal),
    status: watch.status,
    stop: watch.stop,
  };
}
