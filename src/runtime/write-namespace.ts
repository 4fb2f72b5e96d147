/** The write namespace as the loop to Kubernetes sees it: all Services and EndpointSlices in it, watched. */
import { objectId, type ObjectKind } from '../catalog/to-kubernetes/object-changes.ts';
import {
  readObservedService,
  readObservedSlice,
  type ObservedService,
  type ObservedSlice,
} from '../catalog/to-kubernetes/observed-objects.ts';
import type { ObjectSource } from '../controllers/to-k8s-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import type { ListWatchStatus } from '../kubernetes/list-watch.ts';
import { collectionPath } from '../kubernetes/object-writer.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { watchResource, type ResourceWatch } from '../kubernetes/watch-resource.ts';
import { aborted } from '../support/aborted.ts';
import { createListeners } from '../support/listeners.ts';
import type { WatchedKind } from './cluster-source.ts';
import { withinRefresh } from './within-refresh.ts';

type WriteNamespace = ObjectSource & {
  readonly watches: () => Readonly<Record<'services' | 'endpointslices', ListWatchStatus>>;
  readonly stop: () => Promise<void>;
};

type WriteNamespaceOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly namespace: string;
  readonly onRestart: (kind: WatchedKind, failure: WatchFailure) => void;
};

/** Starts to watch at once. What belongs to others is kept too: our objects must not take its names. */
export function writeNamespace({ client, namespace, onRestart }: WriteNamespaceOptions): WriteNamespace {
  const { tell, onChange } = createListeners<[id: string]>();
  const services = new Map<string, ObservedService>();
  const slices = new Map<string, ObservedSlice>();

  const start = <T extends { readonly name: string }>(
    kind: ObjectKind,
    label: 'services' | 'endpointslices',
    read: (object: unknown) => T | undefined,
    held: Map<string, T>,
  ): ResourceWatch<T> =>
    watchResource({
      client,
      path: collectionPath(kind, namespace),
      query: {},
      read,
      ...systemRuntime,
      onChange: (_key, before, after) => {
        const name = after?.name ?? before?.name ?? '';
        if (after === undefined) held.delete(name);
        else held.set(name, after);
        tell(objectId({ kind, name }));
      },
      onRestart: (failure) => onRestart(label, failure),
    });
  const watches = {
    services: start('Service', 'services', readObservedService, services),
    endpointslices: start('EndpointSlice', 'endpointslices', readObservedSlice, slices),
  };
  const all = (done: (watch: ResourceWatch<unknown>) => Promise<void>): Promise<unknown> =>
    Promise.all(Object.values(watches).map(done));

  return {
    objects: { services, slices },
    synced: async (signal) => {
      await Promise.race([all((watch) => watch.synced), aborted(signal)]);
    },
    onChange,
    refresh: (signal) =>
      withinRefresh(
        all((watch) => watch.relist()),
        signal,
      ),
    watches: () => ({
      services: watches.services.status(),
      endpointslices: watches.endpointslices.status(),
    }),
    stop: async () => {
      await all((watch) => watch.stop());
    },
  };
}
