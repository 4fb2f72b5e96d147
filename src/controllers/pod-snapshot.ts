/** The injected pods that are known, by where they are in Consul: a change of a pod names the places to reconcile. */
import { selects } from '../catalog/mesh/mesh-service.ts';
import { servicesOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { MeshAccount, MeshCluster, MeshNode, MeshService } from '../catalog/mesh/mesh-cluster.ts';
import { createAddressWishes } from './address-wishes.ts';
import { createHostAddresses, hostIpsOf, type HostAddresses } from './host-addresses.ts';
import { createMeshServiceIndex } from './mesh-service-index.ts';
import { createPodIndex, hostsOf, type PodIndex } from './pod-index.ts';
import { createRedirectedPods, type RedirectedPods } from './redirected-pods.ts';
import { syntheticNodeName } from '../inject/names.ts';
import { legacyNodeName, nodeOfPod } from '../catalog/mesh/pod-registration.ts';

/** Synthetic nodes, and addresses of agents. */
export type Touched = {
  readonly nodes: readonly string[];
  readonly hosts: readonly string[];
  /** Everything on these nodes that it is about; undefined for an event that is not about pods. */
  readonly pods?: readonly InjectedPod[];
  /** A pod comes, or gets what it is registered with: no traffic reaches it yet. */
  readonly isArrival?: boolean;
  /** A pod is gone, or has finished. */
  readonly isEnd: boolean;
};

const NOTHING: Touched = { nodes: [], hosts: [], isEnd: false };

export type PodSnapshot = PodIndex &
  Pick<HostAddresses, 'isHost' | 'nodeAt'> & {
    /** What else the registrations depend on. */
    readonly cluster: MeshCluster;
    /** `before` is undefined for a pod that came, `after` for one that went. */
    readonly podChanged: (before: InjectedPod | undefined, after: InjectedPod | undefined) => Touched;
    readonly nodeChanged: (before: MeshNode | undefined, after: MeshNode | undefined) => Touched;
    readonly accountChanged: (before: MeshAccount | undefined, after: MeshAccount | undefined) => Touched;
    readonly serviceChanged: (before: MeshService | undefined, after: MeshService | undefined) => Touched;
    /** All Services are known from now on; until then no address changes. */
    readonly servicesListed: () => Touched;
    /** Some pods have redirected traffic, so that the addresses of Services matter. */
    readonly hasRedirected: () => boolean;
    readonly namesBehind: RedirectedPods['namesBehind'];
  };

export type PodSnapshotOptions = {
  readonly owner: string;
  /** Pods are called after the Services that select them. */
  readonly namesFollowServices: boolean;
  /** Pods log in to Consul as their ServiceAccounts. */
  readonly podsLogIn: boolean;
  /** Pods that do not log in are treated as if no pod did; by default they are not. */
  readonly keepsPlainPods?: boolean;
};

export function createPodSnapshot(options: PodSnapshotOptions): PodSnapshot {
  const { owner, namesFollowServices, podsLogIn, keepsPlainPods = false } = options;
  const nodesOf = (pod: InjectedPod): readonly string[] => {
    const node = nodeOfPod(pod, owner);
    return node === undefined ? [] : [node];
  };
  const index = createPodIndex(nodesOf);
  const services = createMeshServiceIndex();
  const accounts = new Map<string, MeshAccount>();
  const addresses = createHostAddresses();
  const wishes = createAddressWishes();
  let areServicesListed = false;

  const touched = touching(nodesOf);
  const cluster: MeshCluster = {
    owner,
    node: addresses.node,
    services: ({ namespace, labels }) => (namesFollowServices ? services.near(namespace, labels) : undefined),
    selecting: ({ namespace, labels }) => (areServicesListed ? services.near(namespace, labels) : undefined),
    holderOf: wishes.holderOf,
    serviceOfAccount: podsLogIn
      ? (namespace, name) => accounts.get(keyOf({ namespace, name }))?.service
      : undefined,
    keepsPlainPods,
    isAccount: (namespace, name) => accounts.has(keyOf({ namespace, name })),
  };

  const redirected = createRedirectedPods({ index, services, wishes, cluster });

  return {
    ...index,
    cluster,
    servicesListed: () => {
      areServicesListed = true;
      return touched(redirected.pods());
    },
    hasRedirected: redirected.hasAny,
    namesBehind: redirected.namesBehind,
    isHost: addresses.isHost,
    nodeAt: addresses.nodeAt,
    nodeChanged: (before, after) => {
      if (!addresses.changed(before, after)) return NOTHING;
      const { name } = after ?? before ?? { name: '' };
      const hosts = [before, after].flatMap((each) => (each === undefined ? [] : hostIpsOf(each)));
      const nodes = [syntheticNodeName(owner, name), legacyNodeName(name)].filter(index.hasNode);
      return { nodes, hosts: [...new Set(hosts)].filter(index.hasHost), isEnd: false };
    },
    serviceChanged: (before, after) => {
      services.changed(before, after);
      if (isSameService(before, after)) return NOTHING;
      const { namespace } = after ?? before ?? { namespace: '' };
      const named = index
        .podsIn(namespace)
        .filter((pod) => [before, after].some((each) => each !== undefined && selects(each, pod)));
      return touched(redirected.withRivals(named), { isArrival: true });
    },
    accountChanged: (before, after) => {
      const account = after ?? before ?? { namespace: '', name: '' };
      if (after === undefined) accounts.delete(keyOf(account));
      else accounts.set(keyOf(account), after);
      const isNamedAnew = before?.service !== after?.service;
      if (!isNamedAnew && (before === undefined) === (after === undefined)) return NOTHING;
      const pods = index.podsIn(account.namespace).filter(isOfOrAs(account.name, isNamedAnew));
      return touched(redirected.withRivals(pods));
    },
    podChanged: (before, after) => {
      index.changed(before, after);
      if (after?.hostIp !== undefined && after.node !== undefined) addresses.told(after.hostIp, after.node);
      const isEnd = after === undefined || (after.stage === 'finished' && before?.stage !== 'finished');
      const isArrival =
        after?.stage === 'alive' && (before?.podIp === undefined || before.node === undefined);
      const pods = [before, after].filter((pod) => pod !== undefined);
      redirected.changed(before, after);
      return touched(redirected.withRivals(pods), { isEnd, isArrival });
    },
  };
}

function touching(nodesOf: (pod: InjectedPod) => readonly string[]) {
  return (pods: readonly InjectedPod[], { isEnd = false, isArrival = false } = {}): Touched => ({
    nodes: [...new Set(pods.flatMap(nodesOf))],
    hosts: [...new Set(pods.flatMap(hostsOf))],
    pods,
    isEnd,
    isArrival,
  });
}

/** Of this ServiceAccount, or with one of several services that logs in as it. */
function isOfOrAs(account: string, isNamedAnew: boolean): (pod: InjectedPod) => boolean {
  return (pod) => {
    if (isNamedAnew && pod.serviceAccount === account) return true;
    const services = servicesOf(pod);
    return services.length > 1 && services.some(({ service }) => service.name === account);
  };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function isSameService(left: MeshService | undefined, right: MeshService | undefined): boolean {
  const text = (each: MeshService | undefined): string =>
    JSON.stringify([each?.created, each?.address, each?.ports, ...(each?.selector ?? [])]);
  return text(left) === text(right);
}
