/** Keeps Consul's node in step with the cluster: level-based, so that a lost event or answer costs time and nothing else. */
import { adopt } from '../catalog/to-consul/adopt.ts';
import { indexed } from '../model/instance.ts';
import { createObservedIndex } from '../catalog/to-consul/observed-index.ts';
import type { Plan } from '../catalog/to-consul/consul-plan.ts';
import { applyPolicy, type Policy } from '../catalog/to-consul/policy.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import {
  changesOf,
  deregistration,
  splitByNamespace,
  syncNode,
  type Change,
} from '../catalog/to-consul/transactions.ts';
import { earliest } from '../support/earliest.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import { createKeyBackoff } from '../reconcile/key-backoff.ts';
import type { Clock } from '../reconcile/loop-clock.ts';
import { createLoop } from '../reconcile/loop.ts';
import { createWorkQueue, type Work } from '../reconcile/work-queue.ts';
import { createApplier, type Written } from './apply-changes.ts';
import { createDrift } from './drift.ts';
import { createPlanner, type SourceStatus } from './planner.ts';
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

export type SyncPorts = {
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

// A Service of ten thousand endpoints is written for a minute: after half a second it gives way to what happened meanwhile.
const LEAST_WRITING = 500;

export function createSync(ports: SyncPorts, options: SyncOptions): Sync {
  const { source, catalog, reporter, clock, random } = ports;
  const { settings, node } = options;
  const scope = { owner: settings.owner, node };
  const observed = createObservedIndex(scope);
  const planner = createPlanner(source.snapshot, observed, settings, scope);
  const applier = createApplier(catalog);
  const queue = createWorkQueue();
  const drift = createDrift();
  const retries = createKeyBackoff(random);
  const guard = createDeletionGuard(clock, MANY_AT_ONCE, reporter);
  /** Sources of which another one holds an id. */
  const conflicts = new Set<string>();

  let syncedNode = syncNode(node, undefined);
  let fullDue: number | undefined = -Infinity;
  let watching: Promise<void> | undefined;
  /** From the first read on: what was there before is in it. */
  let watchFrom = (_indexes: readonly number[]): void => undefined;

  /** When a pass over everything is due: after a failure, for a second look, after drift, and now and then. */
  const nextFull = (): number | undefined => earliest([fullDue, guard.due(), drift.due()]);
  const isSettled = (): boolean =>
    guard.due() === undefined && queue.size() === 0 && retries.due() === undefined;
  const passes = createLoop({
    clock,
    random,
    due: () => earliest([nextFull(), queue.due(), retries.due()]),
    reconcile: pass,
    failed: reporter.failed,
    isDone: () => options.once && isSettled(),
  });

  async function readConsul(signal: AbortSignal): Promise<void> {
    const start = clock.elapsed();
    const read = await catalog.read(node, { consistent: true, signal });
    observed.replace(read.instances);
    syncedNode = syncNode(node, read.node);
    const end = clock.elapsed();
    drift.read(read.indexes, end, end - start);
    watchFrom(read.indexes);
  }

  /** The plan as far as it may be carried out now. */
  function allowed(plan: Plan, isSecondLook: boolean): Plan {
    const wanted = applyPolicy(plan, options.policy);
    const ids = wanted.deregister.map(({ id }) => indexed(id));
    const withheld = guard.withheld(ids, observed.owned(), isSecondLook);
    return withheld.size === 0 ? wanted : { ...wanted, deregister: [] };
  }

  /** @returns sources of which something was left */
  async function apply(
    changes: readonly Change[],
    work: Work,
    signal: AbortSignal,
    mayBegin: () => boolean = () => true,
  ): Promise<readonly string[]> {
    const left = new Set<string>();
    const written: Written = {
      mayBegin,
      left: ({ source: each }) => void left.add(each),
      nodeWritten: () => {
        syncedNode = { ...syncedNode, registered: true };
      },
      applied: (change, index) => {
        observed.record([change]);
        const since = work.get(change.source);
        drift.wrote(index, clock.elapsed(), since === undefined);
        reporter.applied(change, since === undefined ? undefined : (clock.elapsed() - since) / 1000);
      },
      refused: ({ change, reason }) => {
        retries.failed(change.source, clock.elapsed());
        reporter.refused(change, reason);
      },
    };
    await applier.apply(changes, syncedNode, written, signal);
    return [...left];
  }

  /** Whoever changes much at once waits for who changes little, in this pass and in the next. */
  async function applyInTurn(
    changes: readonly Change[],
    work: Work,
    isWhole: boolean,
    start: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    if (isWhole) return apply(changes, work, signal);
    const { few, many } = splitByNamespace(changes);
    await apply(few, work, signal);
    const planned = clock.elapsed();
    // What is left has to be planned again, so as much time as that took is well spent on writes.
    const enough = planned + Math.max(LEAST_WRITING, planned - start);
    const isAsked = (): boolean => (queue.due() ?? Infinity) <= clock.elapsed();
    return apply(many, work, signal, () => clock.elapsed() < enough || !isAsked());
  }

  async function adoptEarlier(signal: AbortSignal): Promise<void> {
    const nodes = [...new Set([node, ...options.adoptNodes])];
    const reads = await Promise.all(nodes.map((each) => catalog.read(each, { consistent: true, signal })));
    const found = adopt(
      reads.flatMap(({ instances }) => instances),
      { owner: settings.owner, node, earlierNodes: options.adoptNodes, tag: settings.tag },
    );
    await apply(found.deregister.map(deregistration), new Map(), signal);
  }

  async function pass(signal: AbortSignal): Promise<void> {
    const now = clock.elapsed();
    const isSecondLook = (guard.due() ?? Infinity) <= now;
    const isFull = passes.isRetry() || (nextFull() ?? Infinity) <= now;
    for (const each of retries.take(now)) queue.add(each, now);
    if (isSecondLook) await source.refresh(signal);
    if (isFull) await readConsul(signal);
    const work = queue.take();
    const { plan, problems } = isFull ? await planner.all() : planner.of(work.keys());
    for (const [each, found] of problems) {
      reporter.problems(each, found);
      conflicts.delete(each);
    }
    for (const conflict of plan.conflicts) conflicts.add(conflict.source);
    drift.contested(conflicts.size > 0);
    const wanted = allowed(plan, isSecondLook);
    reporter.planned({
      scope: isFull ? 'all' : 'changes',
      plan: wanted,
      owned: observed.owned(),
      foreign: observed.foreign(),
    });
    // What an earlier syncer has goes when all of ours is there.
    const isAdopting = isFull && options.adoptNodes.length > 0;
    const left = options.dryRun
      ? []
      : await applyInTurn(changesOf(wanted, node), work, isAdopting, now, signal);
    if (isAdopting && !options.dryRun) await adoptEarlier(signal);
    for (const each of left) queue.add(each, work.get(each) ?? now);
    if (isFull) fullDue = clock.elapsed() + options.resync;
    if (left.length === 0) reporter.succeeded();
  }

  return {
    run: async (signal) => {
      await source.synced(signal);
      if (signal.aborted) return;
      const unsubscribe = source.onChange((sources) => {
        for (const each of sources) queue.add(each, clock.elapsed());
        passes.notify();
      });
      const ending = new AbortController();
      watchFrom = (indexes) => {
        const until = AbortSignal.any([signal, ending.signal]);
        const changed = (index: number): void => {
          drift.changed(index, clock.elapsed());
          passes.notify();
        };
        watching ??= catalog.watch(node, indexes, changed, until);
      };
      await passes.run(signal);
      unsubscribe();
      ending.abort();
      await watching;
    },
    statuses: planner.statuses,
    counts: () => ({
      desired: planner.desiredInstances(),
      owned: observed.owned(),
      foreign: observed.foreign(),
      pending: queue.size(),
    }),
  };
}
