/** Keeps the injected pods in Consul as they are in the cluster, one synthetic node at a time: level-based, without memory. */
import { POD_UID_META } from '../model/consul-names.ts';
import type { NodePlan } from '../catalog/mesh/node-plan.ts';
import { indexed } from '../model/instance.ts';
import { createController, type ControllerOptions, type Writing } from '../reconcile/controller.ts';
import { createDeletionGuard, MANY_AT_ONCE } from '../reconcile/deletion-guard.ts';
import type { Backlog } from '../reconcile/work-in-hand.ts';
import { applyNodePlans, namespaceOfPod, type NodeWriting } from './apply-node-plans.ts';
import { createCheckDrift } from './check-drift.ts';
import { createContested } from './contested.ts';
import { createNodePlans, type NodePlans } from './node-plans.ts';
import { wholeNodes } from './node-drift.ts';
import { keyOfInstance, keysOf } from './pod-keys.ts';
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
    checks: catalog.checks,
    places: snapshot.nodes,
    wholeIn: (checks) => wholeNodes(ports, nodes, controller)(checks),
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
      const unsubscribe = source.onChange((touched) => {
        for (const { key, group } of keysOf(touched, owner)) controller.enqueue(key, group);
      });
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
      observe: (request, signal) => nodes.of(request, signal),
      plan: (plans) => plans,
      deletions: (plans) => ({
        ids: plans.flatMap((plan) => missingOf(plan, snapshot)),
        owned: nodes.counts().owned,
      }),
      withhold: (plans, ids) => plans.map((plan) => withoutRemovals(plan, ids)),
      planned: (plans) => plans.forEach(nodes.planned),
      apply: (plans, writing, signal) =>
        applyNodePlans(plans, { owner, catalog, signal }, writtenTo(nodes, writing)),
      keyOf: ({ node, id }) => keyOfInstance(node, id),
      askedBy: (change) => nodes.askedBy(change),
    },
  });
  const nodes = createNodePlans({ ...ports, ...controller, owner, contested });

  return {
    run: controller.run,
    statuses: () => [...snapshot.pods()].map(statuses.of),
    counts: () => ({ ...nodes.counts(), pending: controller.backlog().keys }),
    backlog: controller.backlog,
  };
}

function writtenTo(nodes: NodePlans, writing: Writing<RegistrarChange>): NodeWriting {
  return {
    turn: writing.turn,
    applied: (change) => {
      nodes.applied(change);
      writing.applied(change);
    },
    refused: (change, reason) => {
      nodes.refused(change);
      writing.refused(change, reason);
    },
    left: ({ node, id, source = '' }) => writing.left(keyOfInstance(node, id), namespaceOfPod(source)),
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
