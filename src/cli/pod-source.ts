/** The injected pods of the cluster as the registrar sees them: one watch that fills a snapshot. */
import { readInjectedPod } from '../catalog/connect/pod.ts';
import { createPodSnapshot, type Touched } from '../controller/pod-snapshot.ts';
import type { PodSource } from '../controller/registrar-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemClock } from '../kubernetes/clock.ts';
import type { ListWatchStatus } from '../kubernetes/list-watch.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource } from '../kubernetes/watch-resource.ts';
import { TandemError } from '../support/errors.ts';

export type ClusterPods = PodSource & {
  readonly status: () => ListWatchStatus;
  readonly stop: () => Promise<void>;
};

export type ClusterPodsOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly onRestart: (failure: WatchFailure) => void;
};

const INJECTED = 'consul.hashicorp.com/connect-inject-status=injected';
// As the catalog sync: without an answer by then nothing is removed, and it is tried again.
const REFRESH_MILLISECONDS = 30_000;

/** Starts to watch at once. */
export function clusterPods({ client, onRestart }: ClusterPodsOptions): ClusterPods {
  const snapshot = createPodSnapshot();
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
    refresh: async (signal) => {
      const limit = AbortSignal.timeout(REFRESH_MILLISECONDS);
      await Promise.race([watch.relist(), aborted(AbortSignal.any([signal, limit]))]);
      if (!limit.aborted) return;
      const text = `the API server gave no second list within ${REFRESH_MILLISECONDS} ms; nothing is removed until it does`;
      throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', text);
    },
    status: watch.status,
    stop: watch.stop,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
