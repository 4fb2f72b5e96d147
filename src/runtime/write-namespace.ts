/** The write namespace as the loop to Kubernetes sees it: all Services and EndpointSlices in it, watched. */
import { objectId, type ObjectKind } from '../catalog/to-kubernetes/object-changes.ts';
import { readObservedService, readObservedSlice } from '../catalog/to-kubernetes/observed-objects.ts';
import type { ObjectSource } from '../controllers/to-k8s-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { collectionPath } from '../kubernetes/object-writer.ts';
import type { WatchFailure } from '../kubernetes/watch-failure.ts';
import { createListeners } from '../support/listeners.ts';
import type { WatchedKind } from './cluster-source.ts';
import { watchGroup, type WatchGroup } from './watch-group.ts';

type Watching = WatchGroup<'services' | 'endpointslices'>;

type WriteNamespace = ObjectSource & Pick<Watching, 'watches' | 'stop'>;

type WriteNamespaceOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly namespace: string;
  readonly onRestart: (kind: WatchedKind, failure: WatchFailure) => void;
};

/** Starts to watch at once. What belongs to others is kept too: our objects must not take its names. */
export function writeNamespace({ client, namespace, onRestart }: WriteNamespaceOptions): WriteNamespace {
  const { tell, onChange } = createListeners<[id: string]>();
  const { start, ...group }: Watching = watchGroup(client, onRestart);

  const hold = <T extends { readonly name: string }>(
    label: 'services' | 'endpointslices',
    kind: ObjectKind,
    read: (object: unknown) => T | undefined,
  ): ReadonlyMap<string, T> => {
    const held = new Map<string, T>();
    start<T>(label, {
      path: collectionPath(kind, namespace),
      query: {},
      read,
      onChange: (_key, before, after) => {
        const name = after?.name ?? before?.name ?? '';
        if (after === undefined) held.delete(name);
        else held.set(name, after);
        tell(objectId({ kind, name }));
      },
    });
    return held;
  };
  const services = hold('services', 'Service', readObservedService);
  const slices = hold('endpointslices', 'EndpointSlice', readObservedSlice);
  return { objects: { services, slices }, onChange, ...group };
}
