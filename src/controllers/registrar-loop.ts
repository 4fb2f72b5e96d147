/** Keeps the injected pods in Consul as they are in the cluster, one synthetic node at a time: level-based, without memory. */
import { planNode, type NodePlan } from '../catalog/mesh/node-plan.ts';
import { POD_UID_META, registrationsOf } from '../catalog/mesh/pod-registration.ts';
import { indexed, readinessCheckId } from '../model/instance.ts';
import type { ObservedSyntheticNode } from '../catalog/mesh/observed-registration.ts';
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { earliest } from '../support/earliest.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import { applyNodePlans } from './apply-node-plans.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested } from './contested.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import { createKeyBackoff } from '../reconcile/key-backoff.ts';
import type { Clock } from '../reconcile/loop-clock.ts';
import { createLoop } from '../reconcile/loop.ts';
import { createWorkQueue } from '../reconcile/work-queue.ts';
import { worstOf, type PodStanding, type PodStandings } from './pod-standings.ts';
import type { ConnectCatalog, PodSource, RegistrarReporter } from './registrar-ports.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';

export type RegistrarOptions = {
  readonly owner: string;
  /** Milliseconds between full comparisons. */
  readonly resync: number;
  /** Compute and report, and write nothing. */
  readonly dryRun: boolean;
  /** End when both sides agree. */
  readonly once: boolean;
};

export type RegistrarPorts = {
  readonly source: PodSource;
  readonly catalog: ConnectCatalog;
  readonly standings: PodStandings;
  readonly reporter: RegistrarReporter;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
};

export type Registrar = {
  /** Resolves when it has ended: by `once`, or by the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly standings: () => readonly PodStanding[];
  readonly counts: () => { readonly owned: number; readonly foreign: number; readonly pending: number };
};

// A pod that ends must be out of Consul within 2 s of its event, however many come: a pass registers for half a second before
// it gives way to what happened meanwhile, and the next one needs its reads and one write.
const LEAST_REGISTERING = 500;

export function createRegistrar(ports: RegistrarPorts, options: RegistrarOptions): Registrar {
  const { source, catalog, reporter, standings, clock, random } = ports;
  const { owner } = options;
  const { snapshot } = source;
  const queue = createWorkQueue();
  /** Nodes with something that Consul has refused. */
  const retries = createKeyBackoff(random);
  const guard = createDeletionGuard(clock, MANY_AT_ONCE, reporter);
  /** Names of nodes of which Consul does not tell. */
  const unreadable = new Set<string>();
  /** Instances on each node: as it was read last, and what was written since. */
  const seen = new Map<string, { readonly owned: number; readonly foreign: number }>();

  const drift = createCheckDrift({
    checks: catalog.checks,
    places: snapshot.nodes,
    wholeIn: (checks) => (node) =>
      (retries.isWaiting(node) && !refusedOn.has(node)) ||
      snapshot
        .podsOn(node)
        // What a plan found to be somebody else's is no drift, and looked at by itself.
        .filter((pod) => !standings.hasConflict(pod))
        .flatMap((pod) => registrationsOf(pod, snapshot.cluster))
        .every(
          ({ id, check }) =>
            refusedOn.get(node)?.has(id) === true ||
            checks.get(node)?.get(readinessCheckId(id)) === check?.status,
        ),
    elapsed: clock.elapsed,
  });

  /** What Consul did not take of the last plan of each node: no drift, and no reason to look again before its time. */
  const refusedOn = new Map<string, Set<string>>();
  const contested = createContested();
  let fullDue = -Infinity;

  const nextFull = (): number => Math.min(fullDue, guard.due() ?? Infinity);
  const isSettled = (): boolean =>
    guard.due() === undefined && queue.size() === 0 && retries.due() === undefined;
  const passes = createLoop({
    clock,
    random,
    due: () => earliest([nextFull(), queue.due(), retries.due(), drift.due(), contested.due()]),
    reconcile: pass,
    failed: reporter.failed,
    isDone: () => options.once && isSettled(),
  });
  const sumOf = (key: 'owned' | 'foreign'): number =>
    [...seen.values()].reduce((sum, counts) => sum + counts[key], 0);

  function count(node: string, owned: number, foreign: number): void {
    if (owned + foreign > 0) seen.set(node, { owned, foreign });
    else seen.delete(node);
  }

  function tellStandings(
    node: string,
    pods: readonly InjectedPod[],
    { instances }: ObservedSyntheticNode,
    { conflicts }: NodePlan,
  ): void {
    if (pods.length === 0) standings.forget(node);
    else
      standings.looked(
        node,
        instances.map(({ id, meta, check, otherChecks }) => ({
          id,
          uid: meta[POD_UID_META] ?? '',
          status: worstOf([...(check === undefined ? [] : [check]), ...otherChecks]),
        })),
        conflicts.map(({ registration, message }) => ({ source: registration.source, message })),
      );
    reporter.pods(node, pods.map(standings.of));
  }

  async function planOf(node: string, signal: AbortSignal): Promise<NodePlan> {
    const start = clock.elapsed();
    const observed = await catalog.read(node, signal);
    // After the read: a pod that came meanwhile is in the catalog the sooner, and one that went is not brought back.
    const pods = snapshot.podsOn(node);
    const plan = planNode(
      node,
      pods.flatMap((pod) => registrationsOf(pod, snapshot.cluster)),
      observed,
      owner,
    );
    const now = clock.elapsed();
    contested.looked(node, plan.conflicts.length > 0, now, now - start);
    tellStandings(node, pods, observed, plan);
    count(node, plan.owned, plan.foreign);
    return plan;
  }

  /** @param isFull Consul has just said which nodes it has, so that what it does not tell of one is the fault of that one */
  async function plansOf(
    nodes: Iterable<string>,
    isFull: boolean,
    signal: AbortSignal,
  ): Promise<readonly NodePlan[]> {
    const plans: NodePlan[] = [];
    const read = async (node: string): Promise<void> => {
      try {
        plans.push(await planOf(node, signal));
        unreadable.delete(node);
      } catch (error) {
        if (!isAboutOneRequest(error) || !(isFull || unreadable.has(node))) throw error;
        unreadable.add(node);
        retries.failed(node, clock.elapsed());
        reporter.unreadable({ name: node, reason: error.message });
      }
    };
    await inParallel(nodes, read, { atATime: SMALL_CALLS });
    return plans;
  }

  /** The plans as far as they may be carried out now: many pods that are missing without having ended are looked for again. */
  function allowed(plans: readonly NodePlan[], isSecondLook: boolean): readonly NodePlan[] {
    const missing = plans.flatMap(({ name, deregister }) =>
      deregister
        .filter(({ meta }) => !snapshot.isEnded(meta[POD_UID_META] ?? ''))
        .map(({ id }) => deletionId(name, id)),
    );
    const withheld = guard.withheld(missing, sumOf('owned'), isSecondLook);
    return withheld.size === 0 ? plans : plans.map((plan) => withoutRemovals(plan, withheld));
  }

  async function pass(signal: AbortSignal): Promise<void> {
    const now = clock.elapsed();
    const isSecondLook = (guard.due() ?? Infinity) <= now;
    const isFull = passes.isRetry() || nextFull() <= now;
    for (const node of [...retries.take(now), ...contested.take(now)]) queue.add(node, now);
    if (isSecondLook) await source.refresh(signal);
    for (const node of await drift.take(now, signal)) queue.add(node, now);
    const work = queue.take();
    const known = isFull ? await catalog.nodes(owner, signal) : [];
    const nodes = isFull ? new Set([...known, ...snapshot.nodes(), ...work.keys()]) : work.keys();
    const plans = allowed(await plansOf(nodes, isFull, signal), isSecondLook);
    for (const plan of plans) {
      refusedOn.delete(plan.name);
      reporter.planned(plan);
    }
    const read = clock.elapsed();
    // What was left has to be read again, so as much time as the reads took is well spent on writes.
    const enough = read + Math.max(LEAST_REGISTERING, read - now);
    const isAsked = (): boolean => (queue.due() ?? Infinity) <= clock.elapsed();
    const left = options.dryRun
      ? undefined
      : await applyNodePlans(plans, owner, catalog, signal, {
          mayRegister: () => clock.elapsed() < enough || !isAsked(),
          applied: (change) => {
            const { owned, foreign } = seen.get(change.node) ?? { owned: 0, foreign: 0 };
            if (change.action === 'register') count(change.node, owned + 1, foreign);
            if (change.action === 'deregister') count(change.node, owned - 1, foreign);
            const pod = change.source === undefined ? undefined : snapshot.pod(change.source);
            if (pod !== undefined) standings.written(pod, change.id);
            const since = work.get(change.node);
            reporter.applied(change, since === undefined ? undefined : (clock.elapsed() - since) / 1000);
          },
          refused: (change, reason) => {
            retries.failed(change.node, clock.elapsed());
            refusedOn.set(change.node, (refusedOn.get(change.node) ?? new Set()).add(change.id));
            reporter.refused(change, reason);
          },
        });
    for (const node of left ?? []) queue.add(node, work.get(node) ?? now);
    if (isFull) fullDue = clock.elapsed() + options.resync;
    if ((left?.size ?? 0) === 0) reporter.succeeded();
  }

  return {
    run: async (signal) => {
      await source.synced(signal);
      if (signal.aborted) return;
      const unsubscribe = source.onChange(({ nodes }) => {
        for (const node of nodes) queue.add(node, clock.elapsed());
        passes.notify();
      });
      const ending = new AbortController();
      const watching = catalog.watch(
        () => {
          drift.changed(clock.elapsed());
          passes.notify();
        },
        AbortSignal.any([signal, ending.signal]),
      );
      await passes.run(signal);
      unsubscribe();
      ending.abort();
      await watching;
    },
    standings: () => [...snapshot.pods()].map(standings.of),
    counts: () => ({ owned: sumOf('owned'), foreign: sumOf('foreign'), pending: queue.size() }),
  };
}

function deletionId(node: string, id: string): string {
  return indexed(`${node}/${id}`);
}

function withoutRemovals(plan: NodePlan, withheld: ReadonlySet<string>): NodePlan {
  const left = plan.deregister.filter(({ id }) => !withheld.has(deletionId(plan.name, id)));
  return {
    ...plan,
    deregister: left,
    removeNode: plan.removeNode && left.length === plan.deregister.length,
  };
}
