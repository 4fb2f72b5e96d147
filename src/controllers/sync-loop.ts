/** Keeps Consul's node in step with the cluster: level-based, so that a lost event or answer costs time and nothing else. */
import { indexed } from '../model/instance.ts';
import type { ObservedIndex } from '../catalog/to-consul/observed-index.ts';
import { applyPolicy, type Policy } from '../catalog/to-consul/policy.ts';
import type { ToConsulSettings } from '../catalog/to-consul/to-consul-settings.ts';
import type { Change } from '../catalog/to-consul/transactions.ts';
import {
  createController,
  type Controller,
  type ControllerOptions,
  type ControllerRuntime,
  type Request,
} from '../reconcile/controller.ts';
import type { Backlog } from '../reconcile/work-in-hand.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import { earliest } from '../support/earliest.ts';
import { consulPlanApplier, type AdoptingPlan } from './apply-consul-plan.ts';
import { createFirstRemovals } from './first-removals.ts';
import { createNodeCache } from './node-cache.ts';
import { createPlanner, type Planned, type SourceStatus } from './planner.ts';
import type { Catalog, Source, SyncReporter } from './sync-ports.ts';

export type SyncOptions = ControllerOptions & {
  readonly settings: ToConsulSettings;
  readonly policy: Policy;
  readonly node: string;
  /** Nodes of an earlier syncer whose instances are taken over; empty: none. */
  readonly adoptNodes: readonly string[];
  /** The source was there before, while another replica led, perhaps. */
  readonly isSourceOld: boolean;
};

type SyncPorts = ControllerRuntime & {
  readonly source: Source;
  readonly catalog: Catalog;
  readonly reporter: SyncReporter;
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
  readonly backlog: () => Backlog;
};

type SyncPlan = Planned & AdoptingPlan;

export function createSync(ports: SyncPorts, options: SyncOptions): Sync {
  const { source, catalog, reporter, clock, random } = ports;
  const { settings, policy, node, adoptNodes, isSourceOld } = options;
  const scope = { owner: settings.owner, node };
  const cache = createNodeCache(catalog, scope, clock);
  const observed = cache.instances;
  const planner = createPlanner(source.snapshot, observed, settings, scope);
  /** Sources whose ids somebody else holds. */
  const conflicts = new Set<string>();
  const guard = createDeletionGuard(clock, MANY_AT_ONCE, reporter);
  const notify = (): void => controller.notify();
  const firstRemovals = createFirstRemovals(guard, isSourceOld, { ...source, reporter, clock, notify });

  const controller: Controller = createController<ObservedIndex, SyncPlan, Change>({
    ...options,
    clock,
    random,
    reporter: { ...reporter, succeeded: firstRemovals.succeeded },
    guard: firstRemovals.guard,
    fullDue: () => earliest([cache.due(), firstRemovals.due()]),
    synced: source.synced,
    listen: () => [source.onChange((sources) => sources.forEach((each) => controller.enqueue(each)))],
    watch: async (signal) => {
      await Promise.all([cache.watch(controller.notify, signal), firstRemovals.run(signal)]);
    },
    reconciler: {
      refresh: async ({ isFull, isConfirmation }, signal) => {
        if (isFull) firstRemovals.begun();
        if (isConfirmation) await source.refresh(signal);
        if (isFull) await cache.read(signal);
      },
      // What is kept of both sides is current.
      observe: async () => observed,
      plan: async (_observed, { keys, isFull }) => {
        const planned = isFull ? await planner.all() : planner.of(keys);
        return {
          ...planned,
          plan: applyPolicy(planned.plan, policy),
          adoptNodes: isFull ? adoptNodes : [],
        };
      },
      deletions: ({ plan }) => ({
        ids: plan.deregister.map(({ id }) => indexed(id)),
        owned: observed.owned(),
      }),
      // All of them wait, or none.
      withhold: (planned) => ({ ...planned, plan: { ...planned.plan, deregister: [] } }),
      planned: report,
      apply: consulPlanApplier(catalog, cache, { ...scope, tag: settings.tag }),
      keyOf: (change) => change.source,
    },
  });

  function report({ plan, problems }: SyncPlan, { isFull }: Request): void {
    for (const [each, found] of problems) {
      reporter.problems(each, found);
      conflicts.delete(each);
    }
    for (const conflict of plan.conflicts) conflicts.add(conflict.source);
    cache.contested(conflicts.size > 0);
    reporter.planned({
      scope: isFull ? 'all' : 'changes',
      plan,
      owned: observed.owned(),
      foreign: observed.foreign(),
    });
  }

  return {
    run: controller.run,
    statuses: planner.statuses,
    counts: () => ({
      desired: planner.desiredInstances(),
      owned: observed.owned(),
      foreign: observed.foreign(),
      pending: controller.backlog().keys,
    }),
    backlog: controller.backlog,
  };
}
