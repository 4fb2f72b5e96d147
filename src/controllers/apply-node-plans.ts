/** Writes the plans of synthetic nodes to Consul: what is dead first, then what traffic must leave or may reach again. */
import { LEAST_OPERATIONS } from '../model/consul-names.ts';
import type { NodePlan } from '../catalog/mesh/node-plan.ts';
import type {
  ConnectCatalog,
  ConnectWrite,
  InstanceOnNode,
  RegistrarAction,
  RegistrarChange,
} from './registrar-ports.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';

type Written = {
  /** Asked before each registration: false leaves it, and those after it, for another time. */
  readonly mayRegister: () => boolean;
  readonly applied: (change: RegistrarChange) => void;
  readonly refused: (change: RegistrarChange, reason: string) => void;
};

type Step = {
  readonly changes: readonly RegistrarChange[];
  readonly write: () => Promise<ConnectWrite>;
  /** Instead, when Consul refuses the write: one of several that it holds may be to blame. */
  readonly otherwise?: () => readonly Step[];
};

const TRANSACTIONS = 2;

/**
 * Instances of pods do not replace each other, unlike those of the catalog sync, so that nothing has to wait for what comes:
 * a dead pod leaves, and the readiness of the others is known, before a thousand new ones are written.
 *
 * Rejects with the first error of the catalog; what had been written by then was reported.
 *
 * @returns names of the nodes whose registrations were left
 */
export async function applyNodePlans(
  plans: readonly NodePlan[],
  owner: string,
  catalog: ConnectCatalog,
  signal: AbortSignal,
  written: Written,
): Promise<ReadonlySet<string>> {
  const left = new Set<string>();
  const carryOut = async ({ changes, write, otherwise }: Step): Promise<void> => {
    const outcome = await write();
    if (outcome.kind === 'refused' && otherwise !== undefined)
      for (const step of otherwise()) await carryOut(step);
    else if (outcome.kind === 'refused')
      for (const change of changes) written.refused(change, outcome.reason);
    else for (const change of changes) written.applied(change);
  };
  const run = (steps: readonly Step[], atATime = SMALL_CALLS): Promise<void> =>
    inParallel(steps, carryOut, { atATime, signal });
  await run(removals(plans, catalog, signal), TRANSACTIONS);
  await run(plans.flatMap((plan) => nodeRemovals(plan, catalog, signal)));
  await run(plans.flatMap((plan) => nodeChanges(plan, owner, catalog, signal)));
  await run(plans.flatMap((plan) => checkChanges(plan, catalog, signal)));
  const steps = fewFirst(plans.flatMap((plan) => registrations(plan, owner, catalog, signal)));
  const registerOrLeave = async (step: Step): Promise<void> => {
    if (written.mayRegister()) await carryOut(step);
    else for (const { node } of step.changes) left.add(node);
  };
  await inParallel(steps, registerOrLeave, { atATime: SMALL_CALLS, signal });
  return left;
}

/** Whoever makes pods by the thousand in one namespace waits for who makes few. A source is `Pod/<namespace>/<name>`. */
function fewFirst(steps: readonly Step[]): readonly Step[] {
  const namespaceOf = ({ changes }: Step): string => changes[0]?.source?.split('/')[1] ?? '';
  const counts = new Map<string, number>();
  for (const step of steps) counts.set(namespaceOf(step), (counts.get(namespaceOf(step)) ?? 0) + 1);
  const countOf = (step: Step): number => counts.get(namespaceOf(step)) ?? 0;
  return steps.toSorted((left, right) => countOf(left) - countOf(right));
}

function removals(plans: readonly NodePlan[], catalog: ConnectCatalog, signal: AbortSignal): Step[] {
  const dead = plans.flatMap(({ name: node, deregister }) =>
    deregister.map(({ id, name }) => ({ node, id, name })),
  );
  const step = (instances: readonly InstanceOnNode[]): Step => ({
    changes: instances.map(({ node, id }) => changeOf('deregister', node, id)),
    write: () => catalog.deregister(instances, signal),
  });
  const batches = Array.from({ length: Math.ceil(dead.length / LEAST_OPERATIONS) }, (_, index) =>
    dead.slice(index * LEAST_OPERATIONS, (index + 1) * LEAST_OPERATIONS),
  );
  return batches.map((batch) =>
    batch.length === 1
      ? step(batch)
      : { ...step(batch), otherwise: () => batch.map((instance) => step([instance])) },
  );
}

function nodeRemovals({ name, removeNode }: NodePlan, catalog: ConnectCatalog, signal: AbortSignal): Step[] {
  if (!removeNode) return [];
  return [{ changes: [changeOf('remove-node', name, name)], write: () => catalog.removeNode(name, signal) }];
}

function nodeChanges(
  { name, node }: NodePlan,
  owner: string,
  catalog: ConnectCatalog,
  signal: AbortSignal,
): Step[] {
  if (node === undefined) return [];
  return [
    { changes: [changeOf('write-node', name, name)], write: () => catalog.writeNode(node, owner, signal) },
  ];
}

function registrations(
  { name, register, update }: NodePlan,
  owner: string,
  catalog: ConnectCatalog,
  signal: AbortSignal,
): Step[] {
  const wanted = [
    ...register.map((registration) => ({ action: 'register' as const, registration })),
    ...update.map(({ registration }) => ({ action: 'update' as const, registration })),
  ];
  return wanted.map(({ action, registration }) => ({
    changes: [changeOf(action, name, registration.id, registration.source)],
    write: () => catalog.register(registration, owner, signal),
  }));
}

function checkChanges({ name, checks }: NodePlan, catalog: ConnectCatalog, signal: AbortSignal): Step[] {
  const [first] = checks;
  if (first === undefined) return [];
  const step = (some: NodePlan['checks']): Step => ({
    changes: some.map(({ registration: { id, source } }) => changeOf('check', name, id, source)),
    write: () =>
      catalog.setChecks(
        first.registration.node,
        some.map(({ registration, check }) => ({ service: registration.id, check })),
        signal,
      ),
  });
  return [
    checks.length === 1
      ? step(checks)
      : { ...step(checks), otherwise: () => checks.map((each) => step([each])) },
  ];
}

function changeOf(action: RegistrarAction, node: string, id: string, source?: string): RegistrarChange {
  return { action, node, id, source };
}
