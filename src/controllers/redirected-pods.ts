/** Pods whose traffic is redirected, and what each wants of the addresses of Services. */
import { isLive } from '../catalog/mesh/agent-plan.ts';
import { isOfAccount, type MeshCluster, type MeshService } from '../catalog/mesh/mesh-cluster.ts';
import { selects, serviceNameOf } from '../catalog/mesh/mesh-service.ts';
import { meshOf, sourceOfPod, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import { chooseAddress } from '../catalog/mesh/virtual-address.ts';
import { byText } from '../model/instance.ts';
import type { AddressWish, AddressWishes } from './address-wishes.ts';
import type { MeshServiceIndex } from './mesh-service-index.ts';
import type { ChangingPodIndex } from './pod-index.ts';

export type RedirectedPods = {
  readonly changed: (before: InjectedPod | undefined, after: InjectedPod | undefined) => void;
  readonly pods: () => readonly InjectedPod[];
  readonly hasAny: () => boolean;
  /** These pods, which may want something else now, and all whose right to an address changes with that. */
  readonly withRivals: (pods: readonly InjectedPod[]) => readonly InjectedPod[];
  /** Names under which others may have registered what is behind this Service, that of the Service among them. */
  readonly namesBehind: (service: MeshService) => readonly string[];
};

type Parts = {
  readonly index: Pick<ChangingPodIndex, 'pod' | 'podsIn'>;
  readonly services: Pick<MeshServiceIndex, 'near'>;
  readonly wishes: AddressWishes;
  readonly cluster: MeshCluster;
};

// Consul is asked about each of these names, and whoever creates pods behind a Service of their own chooses them.
const MOST_NAMES = 8;

export function createRedirectedPods({ index, services, wishes, cluster }: Parts): RedirectedPods {
  const sources = new Set<string>();

  function wishOf(pod: InjectedPod): AddressWish | undefined {
    const mesh = meshOf(pod);
    if (mesh === undefined || !isLive(pod) || !isOfAccount(pod, mesh.service.name, cluster)) return undefined;
    const choice = chooseAddress(pod, cluster, services.near(pod.namespace, pod.labels));
    if (choice.kind !== 'chosen') return undefined;
    const { virtual, service, name } = choice;
    return { address: virtual.address, service: service.name, name };
  }

  const podsOf = (some: Iterable<string>): readonly InjectedPod[] =>
    [...some].flatMap((source) => index.pod(source) ?? []);

  return {
    changed: (before, after) => {
      if (before !== undefined) sources.delete(sourceOfPod(before));
      if (after !== undefined && isRedirected(after)) sources.add(sourceOfPod(after));
    },
    pods: () => podsOf(sources),
    hasAny: () => sources.size > 0,
    withRivals: (pods) => {
      const changed = new Set(pods.filter(isRedirected).map(sourceOfPod));
      const rivals = [...changed].flatMap((source) => {
        const pod = index.pod(source);
        return wishes.set(source, pod && wishOf(pod));
      });
      return [...new Set([...pods, ...podsOf(rivals)])];
    },
    namesBehind: (service) => {
      const behind = index.podsIn(service.namespace).filter((pod) => selects(service, pod));
      const names = new Set(
        behind.flatMap((pod) => {
          const { injection } = pod;
          if (injection.kind === 'by-consul-k8s') return injection.service ?? [];
          return serviceNameOf(pod, cluster)?.name ?? [];
        }),
      );
      return [service.name, ...[...names].toSorted(byText).slice(0, MOST_NAMES)];
    },
  };
}

function isRedirected(pod: InjectedPod): boolean {
  return meshOf(pod)?.isTransparent === true;
}
