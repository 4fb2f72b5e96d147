/** Writes what has to change at an agent, or at the catalog for an agent that is gone: dead pods first. */
import type { PodInstance } from '../catalog/mesh/agent-plan.ts';
import type { Writing } from '../reconcile/controller.ts';
import type { Agents, PodInstanceOnNode } from './agent-ports.ts';
import type { PlacePlan } from './place-plan.ts';
import type { ConnectWrite, RegistrarAction, RegistrarChange } from './registrar-ports.ts';

/**
 * Rejects with the first error of the agents; what had been written by then was reported.
 *
 * @returns whether the place has to be reconciled again because of these writes
 */
export async function applyPlacePlan(
  { place, seen, deregister, strangers, register, update, checks }: PlacePlan,
  agents: Agents,
  writing: Writing<RegistrarChange>,
  signal: AbortSignal,
): Promise<boolean> {
  const isAtAgent = seen?.state !== undefined;
  const write = async (
    action: RegistrarAction,
    id: string,
    source: string | undefined,
    send: () => Promise<ConnectWrite>,
  ): Promise<boolean> => {
    const outcome = await send();
    const change = { action, node: place, id, source };
    if (outcome.kind === 'applied') writing.applied(change);
    else writing.refused(change, outcome.reason);
    return outcome.kind === 'applied';
  };
  const dead: readonly (PodInstance | PodInstanceOnNode)[] = [...deregister, ...strangers].toSorted(
    proxiesFirst,
  );
  const withProxy = new Set<string>();
  for (const each of dead) {
    if (withProxy.has(each.uid)) continue;
    const isGone = await write('deregister', each.id, undefined, () =>
      !isAtAgent && 'node' in each
        ? agents.deregisterFromCatalog(each.node, each.id, signal)
        : agents.deregister(place, each.id, signal),
    );
    if (!isGone && each.isProxy) withProxy.add(each.uid);
  }
  for (const each of register)
    await write('register', each.id, each.source, () => agents.register(place, each, signal));
  for (const each of update)
    await write('update', each.id, each.source, () => agents.register(place, each, signal));
  for (const each of checks)
    await write('check', each.check.id, each.source, () => agents.setCheck(place, each, signal));
  // A new instance has no checks yet; agents have no check-and-set, so a removal may have hit a new pod of the same name.
  return isAtAgent && dead.length + register.length + update.length + checks.length > 0;
}

/**
 * The alias check of a proxy passes ("No checks found.") as soon as its service has been deregistered at the agent, and Envoys
 * would dial a pod that is gone (seen with Consul 1.20.6). So a service also stays as long as its proxy does.
 */
function proxiesFirst(left: PodInstance, right: PodInstance): number {
  return Number(right.isProxy) - Number(left.isProxy);
}
