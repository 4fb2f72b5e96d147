/** Writes the plans of synthetic nodes to Consul, what is dead first. */
import type { NodePlan } from '../catalog/connect/plan.ts';
import type { ConnectCatalog, ConnectWrite, RegistrarAction, RegistrarChange } from './registrar-ports.ts';
import { sideBySide } from './side-by-side.ts';

export type Written = {
  readonly applied: (change: RegistrarChange) => void;
  readonly refused: (change: RegistrarChange, reason: string) => void;
};

type Step = { readonly changes: readonly RegistrarChange[]; readonly write: () => Promise<ConnectWrite> };

/**
 * Instances of pods do not replace each other, unlike those of the catalog sync, so that nothing has to wait for what comes:
 * a dead pod leaves before a thousand new ones are written.
 *
 * Rejects with the first error of the catalog; what had been written by then was reported.
 */
export async function applyNodePlans(
  plans: readonly NodePlan[],
  owner: string,
  catalog: ConnectCatalog,
  signal: AbortSignal,
  written: Written,
): Promise<void> {
  const run = (steps: readonly Step[]): Promise<void> =>
    sideBySide(steps, async ({ changes, write }) => {
      const outcome = await write();
      for (const change of changes)
        if (outcome.kind === 'applied') written.applied(change);
        else written.refused(change, outcome.reason);
    });
  await run(plans.flatMap((plan) => removals(plan, catalog, signal)));
  await run(plans.flatMap((plan) => nodeRemovals(plan, catalog, signal)));
  await run(plans.flatMap((plan) => nodeChanges(plan, owner, catalog, signal)));
  await run(plans.flatMap((plan) => registrations(plan, owner, catalog, signal)));
  await run(plans.flatMap((plan) => checkChanges(plan, catalog, signal)));
}

function removals({ name, deregister }: NodePlan, catalog: ConnectCatalog, signal: AbortSignal): Step[] {
  return deregister.map(({ id }) => ({
    changes: [changeOf('deregister', name, id)],
    write: () => catalog.deregister(name, id, signal),
  }));
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
  return [
    {
      changes: checks.map(({ registration: { id, source } }) => changeOf('check', name, id, source)),
      write: () =>
        catalog.setChecks(
          first.registration.node,
          checks.map(({ registration, check }) => ({ service: registration.id, check })),
          signal,
        ),
    },
  ];
}

function changeOf(action: RegistrarAction, node: string, id: string, source?: string): RegistrarChange {
  return { action, node, id, source };
}
