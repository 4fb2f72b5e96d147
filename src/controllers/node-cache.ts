/** What Consul has on the sync node, kept so that it is read again only when somebody else may have changed it. */
import { createObservedIndex, type ObservedIndex } from '../catalog/to-consul/observed-index.ts';
import type { Scope } from '../catalog/to-consul/consul-plan.ts';
import { syncNode, type Change, type SyncNode } from '../catalog/to-consul/transactions.ts';
import { requireOwnNode } from '../model/operations.ts';
import { aborted } from '../support/aborted.ts';
import type { Clock } from '../support/clock.ts';
import { createDrift, type Drift } from './drift.ts';
import type { Catalog } from './sync-ports.ts';

export type NodeCache = Pick<Drift, 'contested' | 'due'> & {
  readonly instances: ObservedIndex;
  readonly node: () => SyncNode;
  readonly read: (signal: AbortSignal) => Promise<void>;
  /** Calls back when something on the node may have changed since the first read, until the signal is aborted. */
  readonly watch: (onChange: () => void, signal: AbortSignal) => Promise<void>;
  /** A transaction of ours made the node. */
  readonly nodeWritten: () => void;
  /** A transaction of ours was applied, at this index. A repair is a change that no event asked for. */
  readonly wrote: (change: Change, index: number | undefined, isRepair: boolean) => void;
};

export function createNodeCache(catalog: Catalog, scope: Scope, clock: Clock): NodeCache {
  const instances = createObservedIndex(scope);
  const drift = createDrift();
  /** Indexes of the first read: it contains everything from before. */
  const firstRead = Promise.withResolvers<readonly number[]>();
  let node = syncNode(scope.node, undefined);

  return {
    instances,
    node: () => node,
    read: async (signal) => {
      const start = clock.elapsed();
      const read = await catalog.read(scope.node, { consistent: true, signal });
      requireOwnNode(scope.node, read.node);
      instances.replace(read.instances);
      node = syncNode(scope.node, read.node);
      const end = clock.elapsed();
      drift.read(read.indexes, end, end - start);
      firstRead.resolve(read.indexes);
    },
    due: drift.due,
    contested: drift.contested,
    watch: async (onChange, signal) => {
      const indexes = await Promise.race([firstRead.promise, aborted(signal)]);
      const changed = (index: number): void => {
        drift.changed(index, clock.elapsed());
        onChange();
      };
      if (indexes !== undefined) await catalog.watch(scope.node, indexes, changed, signal);
    },
    nodeWritten: () => {
      node = { ...node, registered: true };
    },
    wrote: (change, index, isRepair) => {
      instances.record([change]);
      drift.wrote(index, clock.elapsed(), isRepair);
    },
  };
}
