/** The loop between a cluster and a Consul that a test holds in its hands. */
import { checkEntries, nodeServices } from '../../../src/model/consul-entries.ts';
import { observeNode } from '../../../src/model/observed-node.ts';
import type { ServiceProblem } from '../../../src/model/problem.ts';
import { readEndpointSlice, readService } from '../../../src/model/kubernetes-objects.ts';
import type { ToConsulSettings } from '../../../src/catalog/to-consul/to-consul-settings.ts';
import type { Operation } from '../../../src/model/operations.ts';
import { createClusterSnapshot } from '../../../src/controllers/cluster-snapshot.ts';
import { createSync, type Sync, type SyncOptions } from '../../../src/controllers/sync-loop.ts';
import type { PlanReport } from '../../../src/controllers/sync-ports.ts';
import { createCatalog, type Catalog as ConsulModel } from '../../property/consul-model.ts';
import { SETTINGS as OF_ONE_SERVICE } from '../catalog/to-consul/objects.ts';
import { createConsulWork, type ConsulLoad } from './consul-load.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export const SETTINGS: ToConsulSettings = { ...OF_ONE_SERVICE, owner: 'cluster1', denyNamespaces: [] };

export type RunningSync = {
  readonly clock: VirtualClock;
  readonly consul: ConsulModel;
  readonly sync: Sync;
  /** Sizes of the transactions that Consul got. */
  readonly writes: () => readonly number[];
  /** All of them, those of somebody else too. */
  readonly transactions: () => readonly (readonly Operation[])[];
  readonly reads: () => number;
  /** How often new lists were asked for. */
  readonly relists: () => number;
  /** Removals that wait, as it is reported. */
  readonly held: () => number;
  readonly successes: () => number;
  /** Milliseconds for which Consul has worked. */
  readonly busy: () => number;
  readonly reports: readonly PlanReport[];
  readonly failures: readonly unknown[];
  readonly refusals: readonly string[];
  readonly guards: readonly { readonly removals: number }[];
  readonly problems: ReadonlyMap<string, readonly ServiceProblem[]>;
  readonly seconds: readonly (number | undefined)[];
  /** Names of the services in Consul, one for each instance, in order. */
  readonly names: () => readonly string[];
  /** Address → status of the check of the instance there, in Consul. */
  readonly statuses: () => ReadonlyMap<string, string>;
  readonly setService: (name: string, addresses: readonly string[] | undefined, details?: Details) => void;
  /** Somebody else writes. */
  readonly interfere: (operations: readonly Operation[]) => void;
  readonly faults: Faults;
  readonly listed: () => void;
  readonly ended: () => boolean;
  readonly stop: () => Promise<void>;
};

type Details = {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** Those of the addresses that are not ready. */
  readonly notReady?: readonly string[];
};

export type Faults = {
  /** Thrown instead of a read. */
  read?: Error | undefined;
  /** Thrown after the transaction was applied (`lost`), or instead of it. */
  write?: { readonly error: Error; readonly lost: boolean } | undefined;
  refresh?: Error | undefined;
  /** New lists that a leader asks for, by kind; without it they come at once. */
  lists?: ReadonlyMap<string, Promise<void>>;
  /** Milliseconds that every write takes. */
  slow?: number;
  /** Consul works on each call for so long, on so many at a time. */
  load?: ConsulLoad | undefined;
  /** Reads answer that the node is not there. */
  hidden?: boolean;
  /** The watch does not tell of it, but of what comes next. */
  silent?: boolean;
};

export const NODE = 'k8s-sync-cluster1';

export function startSync(
  options: Partial<SyncOptions> = {},
  refusedTags: ReadonlySet<string> = new Set(),
  isListed = true,
): RunningSync {
  const clock = createVirtualClock();
  const consul = createCatalog(refusedTags);
  const snapshot = createClusterSnapshot();
  const faults: Faults = {};
  const listed = Promise.withResolvers<void>();
  if (isListed) listed.resolve();
  let listener: (sources: readonly string[]) => void = () => undefined;
  let watcher: (index: number) => void = () => undefined;
  let index = 10;
  let reads = 0;
  let relists = 0;
  let held = 0;
  let successes = 0;
  const work = createConsulWork(clock, () => faults.load);
  const record = {
    reports: [] as PlanReport[],
    failures: [] as unknown[],
    refusals: [] as string[],
    guards: [] as { readonly removals: number }[],
    problems: new Map<string, readonly ServiceProblem[]>(),
    seconds: [] as (number | undefined)[],
  };
  const transactions: (readonly Operation[])[] = [];
  const transact = (operations: readonly Operation[]) => {
    transactions.push(operations);
    const errors = consul.transact(operations);
    if (errors.length === 0) {
      index += 1;
      if (faults.silent !== true) queueMicrotask(() => watcher(index));
    }
    return errors;
  };
  const observe = () => observeNode(nodeServices(consul.nodeServices()), checkEntries(consul.nodeChecks()));
  const sync = createSync(
    {
      clock,
      random: () => 0.5,
      source: {
        snapshot,
        synced: () => listed.promise,
        onChange: (call) => {
          listener = call;
          return () => undefined;
        },
        refresh: async () => {
          if (faults.refresh !== undefined) throw faults.refresh;
        },
        relist: () => {
          relists += 1;
          return faults.lists ?? new Map();
        },
      },
      catalog: {
        read: async (node) => {
          reads += 1;
          await work.done('read', observe().instances.length);
          if (faults.read !== undefined) throw faults.read;
          const observed = observe();
          return node === NODE && faults.hidden !== true
            ? { ...observed, indexes: [index] }
            : { node: undefined, instances: [], indexes: [index] };
        },
        write: async (operations) => {
          const { slow, write: fault } = faults;
          await work.done('transaction', instancesIn(operations));
          if (slow !== undefined) await new Promise<void>((resolve) => void clock.after(slow, resolve));
          if (fault !== undefined && !fault.lost) throw fault.error;
          const errors = transact(operations);
          if (fault !== undefined) throw fault.error;
          return errors.length === 0
            ? { kind: 'applied', index }
            : { kind: 'rolled-back', errors, reason: 'rolled back' };
        },
        watch: async (_node, _indexes, onChange, signal) => {
          watcher = onChange;
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
      reporter: {
        planned: (report) => record.reports.push(report),
        applied: (_change, seconds) => record.seconds.push(seconds),
        refused: (change) => record.refusals.push(change.source),
        problems: (source, found) => record.problems.set(source, found),
        released: () => {
          held = 0;
        },
        guarded: (decision) => {
          held = decision.removals;
          record.guards.push(decision);
        },
        unlisted: (removals) => {
          held = removals;
        },
        failed: (error) => record.failures.push(error),
        succeeded: () => {
          successes += 1;
        },
      },
    },
    {
      settings: SETTINGS,
      policy: 'sync',
      node: NODE,
      adoptNodes: [],
      isSourceOld: false,
      resync: 600_000,
      dryRun: false,
      once: false,
      ...options,
    },
  );
  const ending = new AbortController();
  let hasEnded = false;
  const running = sync.run(ending.signal).then(() => (hasEnded = true));

  return {
    clock,
    consul,
    sync,
    faults,
    ...record,
    writes: () => consul.bodies,
    transactions: () => transactions,
    reads: () => reads,
    relists: () => relists,
    held: () => held,
    successes: () => successes,
    busy: work.busy,
    statuses: () =>
      new Map(observe().instances.map(({ address, check }) => [address, check?.status ?? 'passing'])),
    names: () => {
      return observe()
        .instances.map(({ name }) => name)
        .toSorted();
    },
    setService: (name, addresses, { annotations = {}, namespace = 'default', notReady = [] } = {}) => {
      const service = readService({
        metadata: { name, namespace, uid: name, annotations },
        spec: { type: 'ClusterIP', ports: [{ port: 80 }] },
      });
      const slice = readEndpointSlice({
        metadata: { name: `${name}-1`, namespace, labels: { 'kubernetes.io/service-name': name } },
        ports: [{ port: 8080 }],
        endpoints: (addresses ?? []).map((address) => ({
          addresses: [address],
          conditions: { ready: !notReady.includes(address) },
        })),
      });
      const source = `Service/${namespace}/${name}`;
      const beforeSlice = snapshot.related(source).slices[0];
      const isGone = addresses === undefined;
      listener([
        ...snapshot.serviceChanged(snapshot.service(source), isGone ? undefined : service),
        ...snapshot.sliceChanged(beforeSlice, isGone ? undefined : slice),
      ]);
    },
    interfere: (operations) => void transact(operations),
    listed: () => listed.resolve(),
    ended: () => hasEnded,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

/** A service that is set counts as one with its check; a check alone, as measured, and a removal as a quarter. */
function instancesIn(operations: readonly Operation[]): number {
  const set = operations.filter((each) => 'Service' in each && each.Service.Verb === 'set').length;
  return set + Math.max(0, operations.length - 2 * set) / 4;
}
