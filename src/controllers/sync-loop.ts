/** Keeps Consul's node in step with the cluster: level-based, so that a lost event or answer costs time and nothing else. */
import { adopt } from '../catalog/to-consul/adopt.ts';
import { indexed } from '../model/instance.ts';
import { createObservedIndex, type ObservedIndex } from '../catalog/to-consul/observed-index.ts';
import { applyPolicy, type Policy } from '../catalog/to-consul/policy.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import {
  changesOf,
  deregistration,
  splitByNamespace,
  syncNode,
  type Change,
} from '../catalog/to-consul/transactions.ts';
import { createController, type Writing } from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import type { Clock } from '../support/clock.ts';
import { aborted } from '../support/aborted.ts';
import { createApplier, type Written } from './apply-changes.ts';
import { createDrift } from './drift.ts';
import { createPlanner, type Planned, type SourceStatus } from './planner.ts';
import type { Catalog, Source, SyncReporter } from './sync-ports.ts';

export type SyncOptions = {
  readonly settings: ToConsulSettings;
  readonly policy: Policy;
  readonly node: string;
  /** Nodes of an earlier syncer whose instances are taken over; empty: none. */
  readonly adoptNodes: readonly string[];
  /** Milliseconds between full comparisons. */
  readonly resync: number;
  /** Compute and report, and write nothing. */
  readonly dryRun: boolean;
  /** End when both sides agree. */
  readonly once: boolean;
};

type SyncPorts = {
  readonly source: Source;
  readonly catalog: Catalog;
  readonly reporter: SyncReporter;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
};

export type Sync = {
  /** Resolves when it has ended: by `once`, or by the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly statuses: () => ReadonlyMap<string, SourceStatus>;
  readonly counts: () => {
    readonly desired: number;
    readonly owned: number;
    readonly foreign: number;
    readonly pending: number;
  };
};

/** `isAdopting`: what an earlier syncer has goes when all of ours is there. */
type SyncPlan = Planned & { readonly scope: 'all' | 'changes'; readonly isAdopting: boolean };

export function createSync(ports: SyncPorts, options: SyncOptions): Sync {
  const { source, catalog, reporter, clock, random } = ports;
  const { settings, policy, node, adoptNodes, resync, dryRun, once } = options;
  const scope = { owner: settings.owner, node };
  const observed = createObservedIndex(scope);
  const planner = createPlanner(source.snapshot, observed, settings, scope);
  const applier = createApplier(catalog);
  const drift = createDrift();
  /** Sources of which another one holds an id. */
  const conflicts = new Set<string>();
  /** Indexes of the first read: what was there before is in it. */
  const firstRead = Promise.withResolvers<readonly number[]>();
  let syncedNode = syncNode(node, undefined);

  const controller = createController<ObservedIndex, SyncPlan, Change>({
    clock,
    random,
    reporter,
    resync,
    dryRun,
    once,
    guard: createDeletionGuard(clock, MANY_AT_ONCE, reporter),
    fullDue: drift.due,
    synced: source.synced,
    watch,
    reconciler: {
      refresh: async ({ isFull, isConfirmation }, signal) => {
        if (isConfirmation) await source.refresh(signal);
        if (isFull) await readConsul(signal);
      },
      // What is kept of both sides is current.
      observe: async () => observed,
      plan: async (_observed, { keys, isFull }) => {
        const planned = isFull ? await planner.all() : planner.of(keys);
        return {
          ...planned,
          plan: applyPolicy(planned.plan, policy),
          scope: isFull ? 'all' : 'changes',
          isAdopting: isFull && adoptNodes.length > 0,
        };
      },
      deletions: ({ plan }) => ({
        ids: plan.deregister.map(({ id }) => indexed(id)),
        owned: observed.owned(),
      }),
      // All of them wait, or none.
      withhold: (planned) => ({ ...planned, plan: { ...planned.plan, deregister: [] } }),
      planned: tell,
      apply,
      keyOf: (change) => change.source,
    },
  });

  async function watch(signal: AbortSignal): Promise<void> {
    const unsubscribe = source.onChange((sources) => sources.forEach(controller.enqueue));
    const indexes = await Promise.race([firstRead.promise, aborted(signal)]);
    const changed = (index: number): void => {
      drift.changed(index, clock.elapsed());
      controller.notify();
    };
    if (indexes !== undefined) await catalog.watch(node, indexes, changed, signal);
    unsubscribe();
  }

  async function readConsul(signal: AbortSignal): Promise<void> {
    const start = clock.elapsed();
    const read = await catalog.read(node, { consistent: true, signal });
    observed.replace(read.instances);
    syncedNode = syncNode(node, read.node);
    const end = clock.elapsed();
    drift.read(read.indexes, end, end - start);
    firstRead.resolve(read.indexes);
  }

  function tell({ plan, problems, scope: compared }: SyncPlan): void {
    for (const [each, found] of problems) {
      reporter.problems(each, found);
      conflicts.delete(each);
    }
    for (const conflict of plan.conflicts) conflicts.add(conflict.source);
    drift.contested(conflicts.size > 0);
    reporter.planned({ scope: compared, plan, owned: observed.owned(), foreign: observed.foreign() });
  }

  /** Whoever changes much at once waits for who changes little, here and the next time. */
  async function apply(
    { plan, isAdopting }: SyncPlan,
    writing: Writing<Change>,
    signal: AbortSignal,
  ): Promise<void> {
    const changes = changesOf(plan, node);
    if (isAdopting) {
      await write(changes, writing, signal);
      return adoptEarlier(writing, signal);
    }
    const { few, many } = splitByNamespace(changes);
    await write(few, writing, signal);
    // A Service of ten thousand endpoints is written for a minute.
    await write(many, writing, signal, writing.turn());
  }

  function write(
    changes: readonly Change[],
    writing: Writing<Change>,
    signal: AbortSignal,
    mayBegin: () => boolean = () => true,
  ): Promise<void> {
    const written: Written = {
      mayBegin,
      left: (change) => writing.left(change.source),
      nodeWritten: () => {
        syncedNode = { ...syncedNode, registered: true };
      },
      applied: (change, index) => {
        observed.record([change]);
        drift.wrote(index, clock.elapsed(), !writing.isRequested(change.source));
        writing.applied(change);
      },
      refused: ({ change, reason }) => writing.refused(change, reason),
    };
    return applier.apply(changes, syncedNode, written, signal);
  }

  async function adoptEarlier(writing: Writing<Change>, signal: AbortSignal): Promise<void> {
    const nodes = [...new Set([node, ...adoptNodes])];
    const reads = await Promise.all(nodes.map((each) => catalog.read(each, { consistent: true, signal })));
    const found = adopt(
      reads.flatMap(({ instances }) => instances),
      { owner: settings.owner, node, earlierNodes: adoptNodes, tag: settings.tag },
    );
    await write(found.deregister.map(deregistration), writing, signal);
  }

  return {
    run: controller.run,
    statuses: planner.statuses,
    counts: () => ({
      desired: planner.desiredInstances(),
      owned: observed.owned(),
      foreign: observed.foreign(),
      pending: controller.pending(),
    }),
  };
}
