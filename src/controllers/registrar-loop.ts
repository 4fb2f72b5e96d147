/** Keeps the injected pods in Consul as they are in the cluster, one synthetic node at a time: level-based, without memory. */
import { POD_UID_META, readinessCheckId } from '../model/consul-names.ts';
import { planNode, type NodePlan } from '../catalog/mesh/node-plan.ts';
import { registrationsOf } from '../catalog/mesh/pod-registration.ts';
import { indexed } from '../model/instance.ts';
import type { ObservedSyntheticNode } from '../catalog/mesh/observed-registration.ts';
import type { InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { createController, type Request, type Writing } from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import type { Clock } from '../support/clock.ts';
import { isAboutOneRequest } from '../support/errors.ts';
import { applyNodePlans } from './apply-node-plans.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested } from './contested.ts';
import { worstOf, type PodStanding, type PodStandings } from './pod-standings.ts';
import type { ConnectCatalog, PodSource, RegistrarChange, RegistrarReporter } from './registrar-ports.ts';

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

export function createRegistrar(ports: RegistrarPorts, options: RegistrarOptions): Registrar {
  const { source, catalog, reporter, standings, clock, random } = ports;
  const { owner } = options;
  const { snapshot } = source;
  /** Names of nodes of which Consul does not tell. */
  const unreadable = new Set<string>();
  /** Instances on each node: as it was read last, and what was written since. */
  const seen = new Map<string, { readonly owned: number; readonly foreign: number }>();

  /** What Consul did not take of the last plan of each node: no drift, and no reason to look again before its time. */
  const refusedOn = new Map<string, Set<string>>();
  const contested = createContested();
  const drift = createCheckDrift({
    checks: catalog.checks,
    places: snapshot.nodes,
    wholeIn: (checks) => (node) =>
      (controller.isBackingOff(node) && !refusedOn.has(node)) ||
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

  const controller = createController<readonly NodePlan[], readonly NodePlan[], RegistrarChange>({
    ...options,
    clock,
    random,
    reporter,
    guard: createDeletionGuard(clock, MANY_AT_ONCE, reporter),
    keySources: [contested, drift],
    synced: source.synced,
    watch: async (signal) => {
      const unsubscribe = source.onChange(({ nodes }) => nodes.forEach(controller.enqueue));
      await catalog.watch(() => {
        drift.changed(clock.elapsed());
        controller.notify();
      }, signal);
      unsubscribe();
    },
    reconciler: {
      refresh: async ({ isConfirmation }, signal) => {
        if (isConfirmation) await source.refresh(signal);
      },
      // Each node is compared when it is read, so that of a large cluster no more than the plans is in memory at once.
      observe: plansOf,
      plan: (plans) => plans,
      deletions: (plans) => ({ ids: plans.flatMap(missingOf), owned: sumOf('owned') }),
      withhold: (plans, ids) => plans.map((plan) => withoutRemovals(plan, ids)),
      planned: (plans) => {
        for (const plan of plans) {
          refusedOn.delete(plan.name);
          reporter.planned(plan);
        }
      },
      apply,
      keyOf: ({ node }) => node,
    },
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
        conflicts,
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

  async function plansOf({ keys, isFull }: Request, signal: AbortSignal): Promise<readonly NodePlan[]> {
    const known = isFull ? await catalog.nodes(owner, signal) : [];
    const nodes = isFull ? new Set([...known, ...snapshot.nodes(), ...keys]) : keys;
    const plans: NodePlan[] = [];
    const read = async (node: string): Promise<void> => {
      try {
        plans.push(await planOf(node, signal));
        unreadable.delete(node);
      } catch (error) {
        // Consul has just said which nodes it has, so that what it does not tell of one is the fault of that one.
        if (!isAboutOneRequest(error) || !(isFull || unreadable.has(node))) throw error;
        unreadable.add(node);
        controller.backOff(node);
        reporter.unreadable({ name: node, reason: error.message });
      }
    };
    await inParallel(nodes, read, { atATime: SMALL_CALLS });
    return plans;
  }

  /** Of pods that are missing without having ended: those are looked for again. */
  function missingOf({ name, deregister }: NodePlan): readonly string[] {
    return deregister
      .filter(({ meta }) => !snapshot.isEnded(meta[POD_UID_META] ?? ''))
      .map(({ id }) => deletionId(name, id));
  }

  async function apply(
    plans: readonly NodePlan[],
    writing: Writing<RegistrarChange>,
    signal: AbortSignal,
  ): Promise<void> {
    const left = await applyNodePlans(plans, owner, catalog, signal, {
      mayRegister: writing.turn(),
      applied: (change) => {
        noteWritten(change);
        writing.applied(change);
      },
      refused: (change, reason) => {
        refusedOn.set(change.node, (refusedOn.get(change.node) ?? new Set()).add(change.id));
        writing.refused(change, reason);
      },
    });
    for (const node of left) writing.left(node);
  }

  function noteWritten({ action, node, id, source: from }: RegistrarChange): void {
    const { owned, foreign } = seen.get(node) ?? { owned: 0, foreign: 0 };
    if (action === 'register') count(node, owned + 1, foreign);
    if (action === 'deregister') count(node, owned - 1, foreign);
    const pod = from === undefined ? undefined : snapshot.pod(from);
    if (pod !== undefined) standings.written(pod, id);
  }

  return {
    run: controller.run,
    standings: () => [...snapshot.pods()].map(standings.of),
    counts: () => ({ owned: sumOf('owned'), foreign: sumOf('foreign'), pending: controller.pending() }),
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
