/** The state of each pod: whether it is in Consul and why not, as what, and how the checks of its instances were last seen. */
import type { Conflict } from '../model/problem.ts';
import type { MeshCluster } from '../catalog/mesh/mesh-cluster.ts';
import { decidePod, problemOf, type PodReason } from '../catalog/mesh/decide-pod.ts';
import { sourceOfPod, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { instanceIdsOf, nodeOfPod, readinessOf } from '../catalog/mesh/pod-registration.ts';
import { serviceNameOf, type MeshServiceName } from '../catalog/mesh/mesh-service.ts';
import { indexed, type Check } from '../model/instance.ts';
import type { AddressStatus } from '../catalog/mesh/virtual-address.ts';

/** Why the registrar registers a pod in Consul, or does not. */
export type PodStatus = {
  readonly source: string;
  readonly uid: string;
  readonly reason: PodReason;
  /** What is wrong and the way to fix it, for an Event; undefined when nothing is. */
  readonly problem: string | undefined;
  /** Undefined for a pod that says nothing that can be registered. */
  readonly service: MeshServiceName | undefined;
  readonly instances: readonly InstanceStatus[];
  readonly address: AddressStatus;
  /** Warnings of its admission, while it starts. */
  readonly warnings: readonly string[];
};

/** `missing`: Consul does not have it. */
type InstanceStatus = { readonly id: string; readonly status: Check['status'] | 'missing' };

export type SeenInstance = { readonly id: string; readonly uid: string; readonly status: Check['status'] };

export type PodStatuses = {
  /**
   * A node or a host was observed; an id in a conflict belongs to somebody else.
   *
   * @param ids nothing else was observed
   */
  readonly observed: (
    place: string,
    instances: readonly SeenInstance[],
    conflicts: readonly Conflict[],
    ids?: ReadonlySet<string>,
  ) => void;
  readonly forget: (place: string) => void;
  /** Consul has taken the instance of the pod, with its readiness. */
  readonly written: (pod: InjectedPod, id: string) => void;
  readonly hasConflict: (pod: InjectedPod) => boolean;
  readonly of: (pod: InjectedPod) => PodStatus;
};

type Place = {
  readonly instances: Map<string, SeenInstance>;
  /** By the source of the pod that wants the id. */
  readonly conflicts: ReadonlyMap<string, Conflict>;
};

export function createPodStatuses(
  cluster: MeshCluster,
  addressOf: (pod: InjectedPod) => AddressStatus,
): PodStatuses {
  const places = new Map<string, Place>();
  const placeOf = (pod: InjectedPod): Place | undefined =>
    places.get((pod.injection.kind === 'agent' ? pod.hostIp : nodeOfPod(pod, cluster.owner)) ?? '');
  const conflictOf = (pod: InjectedPod): string | undefined =>
    placeOf(pod)?.conflicts.get(sourceOfPod(pod))?.message;

  return {
    observed: (place, instances, conflicts, ids) => {
      const before = places.get(place);
      const isOther = (id: string): boolean => ids?.has(indexed(id)) === false;
      const kept = [...(before?.instances.values() ?? [])].filter(({ id }) => isOther(id));
      const others = [...(before?.conflicts.values() ?? [])].filter(({ at }) => isOther(at));
      places.set(place, {
        instances: new Map([...kept, ...instances].map((each) => [each.id, each])),
        conflicts: new Map([...others, ...conflicts].map((each) => [each.source, each])),
      });
    },
    forget: (place) => void places.delete(place),
    written: (pod, id) => {
      const { status } = readinessOf(pod);
      placeOf(pod)?.instances.set(id, { id, uid: pod.uid, status });
    },
    hasConflict: (pod) => conflictOf(pod) !== undefined,
    of: (pod) => {
      const reason = decidePod(pod, cluster);
      const conflict = isInConsul(reason) ? conflictOf(pod) : undefined;
      const seen = placeOf(pod)?.instances;
      const ids = seen === undefined ? [] : instanceIdsOf(pod);
      return {
        source: sourceOfPod(pod),
        uid: pod.uid,
        reason: conflict === undefined ? reason : 'id-taken',
        problem: conflict ?? problemOf(pod, reason, cluster),
        service: serviceNameOf(pod, cluster),
        warnings: pod.warnings,
        address: isInConsul(reason) ? addressOf(pod) : NO_ADDRESS,
        instances: ids.map((id) => {
          const instance = seen?.get(id);
          return { id, status: instance?.uid === pod.uid ? instance.status : 'missing' };
        }),
      };
    },
  };
}

function isInConsul(reason: PodReason): boolean {
  return reason === 'registered' || reason === 'agent-mode';
}

const NO_ADDRESS: AddressStatus = {
  reason: 'not-registered',
  chosen: undefined,
  holder: undefined,
  headless: [],
};

/** The status by which Consul routes: that of the worst check. */
export function worstOf(checks: readonly { readonly status: Check['status'] }[]): Check['status'] {
  const statuses = checks.map(({ status }) => status);
  return (['critical', 'warning'] as const).find((each) => statuses.includes(each)) ?? 'passing';
}
