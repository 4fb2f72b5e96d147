/** What a consumer in the cluster sees of the EndpointSlices, by a watch of its own. */
import { clusterAccess } from '../../../src/kubernetes/cluster-access.ts';
import { apiClient } from '../../../src/kubernetes/api-client.ts';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import { watchResource } from '../../../src/kubernetes/watch-resource.ts';
import type { ApiServer } from '../../real/harness/api-server.ts';
import type { SliceObject } from '../../real/to-k8s/write-namespace.ts';

export type WatchedSlices = {
  /** Resolves when the ready addresses of the slices have this one, or have it no more. */
  readonly has: (address: string, isReady: boolean) => Promise<void>;
  /** Resolves when there are so many slices. */
  readonly count: (slices: number) => Promise<void>;
  /** How many slices there are, and the newest version of one: it moves with every write. */
  readonly state: () => { readonly count: number; readonly version: number };
  readonly stop: () => Promise<void>;
};

type Slice = { readonly version: number; readonly ready: readonly string[] };

export async function watchSlices(api: ApiServer, namespace: string): Promise<WatchedSlices> {
  const access = await clusterAccess({ kubeconfig: api.kubeconfig(), environment: {}, serviceAccount: '' });
  const client = apiClient(access);
  const ready = new Set<string>();
  let listeners: (() => void)[] = [];
  const watch = watchResource({
    client,
    path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    query: {},
    read: (raw): Slice => {
      const { metadata, endpoints } = raw as SliceObject;
      const healthy = endpoints.filter(({ conditions }) => conditions.ready);
      return {
        version: Number(metadata.resourceVersion),
        ready: healthy.flatMap(({ addresses }) => addresses),
      };
    },
    clock: systemClock,
    random: Math.random,
    onRestart: () => undefined,
    onChange: (_key, before, after) => {
      for (const address of before?.ready ?? []) ready.delete(address);
      for (const address of after?.ready ?? []) ready.add(address);
      const called = listeners;
      listeners = [];
      for (const call of called) call();
    },
  });
  await watch.synced;
  const changed = (): Promise<void> => new Promise((resolve) => void listeners.push(resolve));
  return {
    has: async (address, isReady) => {
      while (ready.has(address) !== isReady) await changed();
    },
    count: async (slices) => {
      while (watch.size() !== slices) await changed();
    },
    state: () => ({
      count: watch.size(),
      version: Math.max(0, ...[...watch.values()].map(({ version }) => version)),
    }),
    stop: async () => {
      await watch.stop();
      client.close();
    },
  };
}
