/** Which synthetic nodes have the checks that their pods should have: on the others, somebody else has changed something. */
import { readinessChecksOf } from '../catalog/mesh/pod-registration.ts';
import type { Controller } from '../reconcile/controller.ts';
import type { ReadinessChecks } from './check-drift.ts';
import type { NodePlans } from './node-plans.ts';
import { keysOfPod } from './pod-keys.ts';
import type { RegistrarPorts } from './registrar-ports.ts';

/** What a plan found to be somebody else's is no drift, and is observed separately; what waits is written anyway. */
export function wholeNodes(
  { source: { snapshot }, statuses }: Pick<RegistrarPorts, 'source' | 'statuses'>,
  nodes: Pick<NodePlans, 'isRefused' | 'hasRefused'>,
  controller: Pick<Controller, 'isBackingOff' | 'isPending'>,
): (checks: ReadinessChecks) => (node: string) => boolean {
  return (checks) => (node) =>
    (controller.isBackingOff(node) && !nodes.hasRefused(node)) ||
    snapshot
      .podsOn(node)
      .filter((pod) => !statuses.hasConflict(pod) && !keysOfPod(pod, node).some(controller.isPending))
      .flatMap((pod) => readinessChecksOf(pod, snapshot.cluster))
      .every(
        ({ instance, id, status }) => nodes.isRefused(node, instance) || checks.get(node)?.get(id) === status,
      );
}
