/** Keeps the injected pods in Consul as they are in the cluster, one synthetic node at a time: level-based, without memory. */
import { POD_UID_META } from '../model/consul-names.ts';
import type { NodePlan } from '../catalog/mesh/node-plan.ts';
import { readinessChecksOf } from '../catalog/mesh/pod-registration.ts';
import { indexed } from '../model/instance.ts';
import { createController, type Controller, type ControllerOptions } from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import type { Backlog } from '../reconcile/work-in-hand.ts';
import { applyNodePlans } from './apply-node-plans.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested } from './contested.ts';
import { createNodePlans } from './node-plans.ts';
import { keyOfInstance, keysOf, keysOfPod } from './pod-keys.ts';
import type { PodStatus } from './pod-statuses.ts';
import type { PodSource, RegistrarChange, RegistrarPorts } from './registrar-ports.ts';

export type RegistrarOptions = ControllerOptions & { readonly owner: string };

export type Registrar = {
  /** Resolves when it has ended: by `once`, or by the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly statuses: () => readonly PodStatus[];
  readonly counts: () => { readonly owned: number; readonly foreign: number; readonly pending: number };
  readonly backlog: () => Backlog;
};

export function createRegistrar(ports: RegistrarPorts, options: RegistrarOptions): Registrar {
  const { source, catalog, reporter, statuses, clock, random } = ports;
  const { owner } = options;
  const { snapshot } = source;
  const contested = createContested();
  const drift = createCheckDrift({
    catalog,
    places: snapshot.nodes,
    wholeIn: (checks) => (node) => isWhole(node, checks.get(node)),
    elapsed: clock.elapsed,
  });

  const controller: Controller = createController<readonly NodePlan[], readonly NodePlan[], RegistrarChange>({
    ...options,
    clock,
    random,
    reporter,
    guard: createDeletionGuard(clock, MANY_AT_ONCE, reporter),
    keySources: [contested, drift],
    synced: source.synced,
    listen: () => [
      source.onChange((touched) => {
        for (const { key, group } of keysOf(touched, owner)) controller.enqueue(key, group);
      }),
    ],
    watch: (signal) => drift.watch(controller.notify, signal),
    reconciler: {
      refresh: async ({ isConfirmation }, signal) => {
        if (isConfirmation) await source.refresh(signal);
      },
      observe: (request, signal) => nodes.of(request, signal),
      plan: (plans) => plans,
      deletions: (plans) => ({
        ids: plans.flatMap((plan) => missingOf(plan, snapshot)),
        owned: nodes.counts().owned,
      }),
      withhold: (plans, ids) => plans.map((plan) => withoutRemovals(plan, ids)),
      planned: (plans) => plans.forEach(nodes.planned),
      apply: (plans, writing, signal) => applyNodePlans(plans, { owner, catalog, signal }, writing),
      applied: (change) => nodes.applied(change),
      refused: (change) => nodes.refused(change),
      keyOf: ({ node, id }) => keyOfInstance(node, id),
      askedBy: (change) => nodes.askedBy(change),
    },
  });
  const nodes = createNodePlans({ ...ports, ...controller, owner, contested });

  /** What a plan found to be somebody else's is no drift, and is observed separately; what waits is written anyway. */
  function isWhole(node: string, checks: ReadonlyMap<string, string> | undefined): boolean {
    if (controller.isBackingOff(node) && !nodes.hasRefused(node)) return true;
    return snapshot
      .podsOn(node)
      .filter((pod) => !statuses.hasConflict(pod) && !keysOfPod(pod, node).some(controller.isPending))
      .flatMap((pod) => readinessChecksOf(pod, snapshot.cluster))
      .every(({ instance, id, status }) => nodes.isRefused(node, instance) || checks?.get(id) === status);
  }

  return {
    run: controller.run,
    statuses: () => [...snapshot.pods()].map(statuses.of),
    counts: () => ({ ...nodes.counts(), pending: controller.backlog().keys }),
    backlog: controller.backlog,
  };
}

/** Pods that are missing without having ended: they are read again. */
function missingOf(
  { name, deregister }: NodePlan,
  { isEnded }: Pick<PodSource['snapshot'], 'isEnded'>,
): readonly string[] {
  return deregister
    .filter(({ meta }) => !isEnded(meta[POD_UID_META] ?? ''))
    .map(({ id }) => deletionId(name, id));
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
