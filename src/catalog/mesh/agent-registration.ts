/** What an agent gets again for a pod whose registration it has lost: the same that the pod's init container gave it. */
import { agentDefinition, checkedDefinition } from '../../model/definition.ts';
import type { VirtualAddress } from '../../model/registration.ts';
import type { MeshCluster } from './mesh-cluster.ts';
import { decidePod } from './decide-pod.ts';
import type { InjectedPod } from './registered-pod.ts';
import { instancesOfPod } from './pod-registration.ts';

export type AgentRegistration = {
  /** `Pod/<namespace>/<name>`. */
  readonly source: string;
  readonly uid: string;
  readonly id: string;
  /** Body of `PUT /v1/agent/service/register`. */
  readonly definition: Readonly<Record<string, unknown>>;
};

/**
 * Service and proxy, in this order; empty for a pod that still registers itself, or has ended.
 */
export function agentRegistrationsOf(pod: InjectedPod, cluster: MeshCluster): readonly AgentRegistration[] {
  const isWanted = decidePod(pod, cluster) === 'agent-mode' && pod.stage === 'alive' && pod.isInitialized;
  if (!isWanted || pod.podIp === undefined) return [];
  return instancesOfPod(pod, cluster).map((each) => ({
    source: each.source,
    uid: each.uid,
    id: each.id,
    definition: checkedDefinition(each, each.check?.status),
  }));
}

/**
 * The proxy of the pod with another virtual address. Checks that a registration does not name stay as they are at the agent, and
 * those that it names begin anew.
 */
export function withAddress(
  pod: InjectedPod,
  id: string,
  virtual: VirtualAddress | undefined,
  cluster: MeshCluster,
): AgentRegistration[] {
  if (decidePod(pod, cluster) !== 'agent-mode' || pod.podIp === undefined) return [];
  return instancesOfPod(pod, cluster)
    .filter((each) => each.id === id)
    .map((each) => ({
      source: each.source,
      uid: each.uid,
      id,
      definition: agentDefinition({ ...each, virtual }),
    }));
}
