/** The injected pods that are known, by where they are in Consul: a change of a pod names the places to look at. */
import { selects } from '../catalog/mesh/mesh-service.ts';
import { sourceOfPod, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { MeshAccount, MeshCluster, MeshNode, MeshService } from '../catalog/mesh/mesh-cluster.ts';
import { syntheticNodeName } from '../inject/names.ts';
import { legacyNodeName, nodeOfPod } from '../catalog/mesh/pod-registration.ts';

/** Synthetic nodes, and addresses of agents. */
export type Touched = {
  readonly nodes: readonly string[];
  readonly hosts: readonly string[];
  /** All that it is about on these nodes; undefined for an event of something else than pods. */
  readonly pods?: readonly InjectedPod[];
  /** A pod comes, or gets what it is registered with: no traffic reaches it yet. */
  readonly isArrival?: boolean;
  /** A pod is gone, or has finished. */
  readonly isEnd: boolean;
};

export type PodSnapshot = {
  /** What else the registrations depend on. */
  readonly cluster: MeshCluster;
  readonly pods: () => Iterable<InjectedPod>;
  /** Synthetic nodes that have pods; those in agent mode have none. */
  readonly nodes: () => Iterable<string>;
  readonly podsOn: (node: string) => readonly InjectedPod[];
  /** Host addresses that have pods in agent mode. */
  readonly hosts: () => Iterable<string>;
  readonly podsAt: (host: string) => readonly InjectedPod[];
  /**
   * Whether an agent may be at this address: it is that of a node. The status of a pod alone says nothing, because whoever may
   * write it would decide where a token is sent; it counts where Kubernetes has no nodes at all.
   */
  readonly isHost: (address: string) => boolean;
  /** The node of Kubernetes that has, or had last, this host address. */
  readonly nodeAt: (host: string) => string | undefined;
  readonly pod: (source: string) => InjectedPod | undefined;
  readonly isKnown: (uid: string) => boolean;
  /** Its end was announced: it was seen to terminate, to finish, or to lose its node, and no longer lives. */
  readonly isEnded: (uid: string) => boolean;
  /** `before` is undefined for a pod that came, `after` for one that went. */
  readonly podChanged: (before: InjectedPod | undefined, after: InjectedPod | undefined) => Touched;
  readonly nodeChanged: (before: MeshNode | undefined, after: MeshNode | undefined) => Touched;
  readonly accountChanged: (before: MeshAccount | undefined, after: MeshAccount | undefined) => Touched;
  readonly serviceChanged: (before: MeshService | undefined, after: MeshService | undefined) => Touched;
};

// UIDs of 36 characters: less than 2 MB. Whose end is forgotten is a pod that is just missing.
const REMEMBERED_ENDS = 10_000;

export type PodSnapshotOptions = {
  readonly owner: string;
  /** Pods are called after the Services that select them. */
  readonly namesFollowServices: boolean;
  /** Pods log in to Consul as their ServiceAccounts. */
  readonly podsLogIn: boolean;
};

export function createPodSnapshot({
  owner,
  namesFollowServices,
  podsLogIn,
}: PodSnapshotOptions): PodSnapshot {
  const nodesOf = (pod: InjectedPod): readonly string[] => {
    const node = nodeOfPod(pod, owner);
    return node === undefined ? [] : [node];
  };
  const bySource = new Map<string, InjectedPod>();
  const uids = new Set<string>();
  const byNode = createPlaces(nodesOf);
  const byHost = createPlaces(hostsOf);
  const byNamespace = createPlaces(({ namespace }) => [namespace]);
  const places = [byNode, byHost, byNamespace];
  const services = createServices();
  const accounts = new Map<string, MeshAccount>();
  const nodes = new Map<string, MeshNode>();
  /** Also of nodes and pods that are gone; no more of them than there are host addresses. */
  const nodeAt = new Map<string, string>();
  let hostIps: ReadonlySet<string> | undefined;
  const ended = new Set<string>();
  const end = ({ uid }: InjectedPod): void => {
    ended.add(uid);
    for (const oldest of ended) {
      if (ended.size <= REMEMBERED_ENDS) break;
      ended.delete(oldest);
    }
  };

  const touched = (pods: readonly InjectedPod[], { isEnd = false, isArrival = false } = {}): Touched => ({
    nodes: [...new Set(pods.flatMap(nodesOf))],
    hosts: [...new Set(pods.flatMap(hostsOf))],
    pods,
    isEnd,
    isArrival,
  });

  return {
    cluster: {
      owner,
      node: (name) => nodes.get(name),
      services: ({ namespace, labels }) =>
        namesFollowServices ? services.near(namespace, labels) : undefined,
      serviceOfAccount: podsLogIn
        ? (namespace, name) => accounts.get(keyOf({ namespace, name }))?.service
        : undefined,
    },
    isHost: (address) => {
      hostIps ??= new Set([...nodes.values()].flatMap(hostIpsOf));
      return hostIps.has(address) || (nodes.size === 0 && nodeAt.has(address));
    },
    nodeAt: (host) => nodeAt.get(host),
    nodeChanged: (before, after) => {
      hostIps = undefined;
      if (before !== undefined) nodes.delete(before.name);
      if (after !== undefined) nodes.set(after.name, after);
      if (after?.address !== undefined) nodeAt.set(after.address, after.name);
      const isSame =
        before?.address === after?.address &&
        before?.refusedAddress === after?.refusedAddress &&
        before?.podCidr === after?.podCidr &&
        before?.hostIps?.join() === after?.hostIps?.join();
      const { name } = after ?? before ?? { name: '' };
      const its = [syntheticNodeName(owner, name), legacyNodeName(name)].filter(byNode.has);
      const hosts = [before, after].flatMap((each) => (each === undefined ? [] : hostIpsOf(each)));
      return {
        nodes: isSame ? [] : its,
        hosts: isSame ? [] : [...new Set(hosts)].filter(byHost.has),
        isEnd: false,
      };
    },
    serviceChanged: (before, after) => {
      services.changed(before, after);
      if (isSameService(before, after)) return { nodes: [], hosts: [], isEnd: false };
      const { namespace } = after ?? before ?? { namespace: '' };
      const named = byNamespace
        .podsIn(namespace)
        .filter((pod) => [before, after].some((each) => each !== undefined && selects(each, pod)));
      return touched(named, { isArrival: true });
    },
    accountChanged: (before, after) => {
      const account = after ?? before ?? { namespace: '', name: '' };
      if (after === undefined) accounts.delete(keyOf(account));
      else accounts.set(keyOf(account), after);
      if (before?.service === after?.service) return { nodes: [], hosts: [], isEnd: false };
      const pods = byNamespace.podsIn(account.namespace);
      return touched(pods.filter(({ serviceAccount }) => serviceAccount === account.name));
    },
    pods: () => bySource.values(),
    nodes: byNode.names,
    podsOn: byNode.podsIn,
    hosts: byHost.names,
    podsAt: byHost.podsIn,
    pod: (source) => bySource.get(source),
    isKnown: (uid) => uids.has(uid),
    isEnded: (uid) => ended.has(uid),
    podChanged: (before, after) => {
      for (const pod of [before, after]) if (pod !== undefined && pod.stage !== 'alive') end(pod);
      if (before !== undefined) {
        bySource.delete(sourceOfPod(before));
        uids.delete(before.uid);
        for (const each of places) each.remove(before);
      }
      if (after !== undefined) {
        bySource.set(sourceOfPod(after), after);
        uids.add(after.uid);
        for (const each of places) each.add(after);
        if (after.hostIp !== undefined && after.node !== undefined) nodeAt.set(after.hostIp, after.node);
      }
      const isEnd = after === undefined || (after.stage === 'finished' && before?.stage !== 'finished');
      const isArrival =
        after?.stage === 'alive' && (before?.podIp === undefined || before.node === undefined);
      return touched(
        [before, after].filter((pod) => pod !== undefined),
        { isEnd, isArrival },
      );
    },
  };
}

function hostIpsOf({ address, hostIps = [] }: MeshNode): readonly string[] {
  return address === undefined ? hostIps : [address, ...hostIps];
}

function hostsOf({ hostIp, injection }: InjectedPod): readonly string[] {
  return hostIp === undefined || injection.kind !== 'agent' ? [] : [hostIp];
}

type Places = {
  readonly names: () => Iterable<string>;
  readonly has: (place: string) => boolean;
  readonly podsIn: (place: string) => readonly InjectedPod[];
  readonly add: (pod: InjectedPod) => void;
  readonly remove: (pod: InjectedPod) => void;
};

function createPlaces(placesOf: (pod: InjectedPod) => readonly string[]): Places {
  const byPlace = new Map<string, Map<string, InjectedPod>>();
  return {
    names: () => byPlace.keys(),
    has: (place) => byPlace.has(place),
    podsIn: (place) => [...(byPlace.get(place)?.values() ?? [])],
    add: (pod) => {
      for (const place of placesOf(pod)) {
        const pods = byPlace.get(place);
        if (pods === undefined) byPlace.set(place, new Map([[sourceOfPod(pod), pod]]));
        else pods.set(sourceOfPod(pod), pod);
      }
    },
    remove: (pod) => {
      for (const place of placesOf(pod)) {
        const pods = byPlace.get(place);
        pods?.delete(sourceOfPod(pod));
        if (pods?.size === 0) byPlace.delete(place);
      }
    },
  };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function isSameService(left: MeshService | undefined, right: MeshService | undefined): boolean {
  const text = (each: MeshService | undefined): string =>
    JSON.stringify([each?.created, each?.targets, ...(each?.selector ?? [])]);
  return text(left) === text(right);
}

type Services = {
  /** Those of a namespace that may select a pod with these labels: all that do are among them. */
  readonly near: (namespace: string, labels: ReadonlyMap<string, string>) => readonly MeshService[];
  readonly changed: (before: MeshService | undefined, after: MeshService | undefined) => void;
};

/** Each is found by one pair of its selector alone, so that a pod does not look at every Service of a large namespace. */
function createServices(): Services {
  const byPair = new Map<string, Map<string, MeshService>>();
  const pairOf = new Map<string, string>();
  const remove = ({ namespace, name }: MeshService): void => {
    const source = keyOf({ namespace, name });
    const pair = pairOf.get(source) ?? '';
    pairOf.delete(source);
    byPair.get(pair)?.delete(name);
    if (byPair.get(pair)?.size === 0) byPair.delete(pair);
  };
  const add = (service: MeshService): void => {
    const { namespace, name, selector } = service;
    const pairs = [...selector].map(([key, value]) => pairKey(namespace, key, value));
    // The pair that fewest share tells most.
    const [first = '', ...others] = pairs;
    const size = (pair: string): number => byPair.get(pair)?.size ?? 0;
    const rarest = others.reduce((best, each) => (size(each) < size(best) ? each : best), first);
    const found = byPair.get(rarest);
    if (found === undefined) byPair.set(rarest, new Map([[name, service]]));
    else found.set(name, service);
    pairOf.set(keyOf({ namespace, name }), rarest);
  };
  return {
    near: (namespace, labels) =>
      [...labels].flatMap(([key, value]) => [
        ...(byPair.get(pairKey(namespace, key, value))?.values() ?? []),
      ]),
    changed: (before, after) => {
      if (before !== undefined) remove(before);
      if (after !== undefined) add(after);
    },
  };
}

/** Neither a namespace nor the key or the value of a label has a space. */
function pairKey(namespace: string, key: string, value: string): string {
  return `${namespace} ${key} ${value}`;
}
