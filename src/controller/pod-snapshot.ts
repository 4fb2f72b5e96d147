/** The injected pods that are known, by where they are in Consul: a change of a pod names the places to look at. */
import { sourceOfPod, type InjectedPod } from '../catalog/connect/pod.ts';
import type { MeshCluster, MeshNode } from '../catalog/connect/cluster.ts';
import { syntheticNodeName } from '../inject/names.ts';
import { legacyNodeName, nodeOfPod } from '../catalog/connect/registration.ts';

/** Synthetic nodes, and addresses of agents. */
export type Touched = { readonly nodes: readonly string[]; readonly hosts: readonly string[] };

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
  /** Whether Kubernetes gave this address: of a pod in agent mode, or of a node. */
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
};

// UIDs of 36 characters: less than 2 MB. Whose end is forgotten is a pod that is just missing.
const REMEMBERED_ENDS = 10_000;

export function createPodSnapshot(owner: string): PodSnapshot {
  const nodesOf = (pod: InjectedPod): readonly string[] => {
    const node = nodeOfPod(pod, owner);
    return node === undefined ? [] : [node];
  };
  const bySource = new Map<string, InjectedPod>();
  const uids = new Set<string>();
  const byNode = createPlaces(nodesOf);
  const byHost = createPlaces(hostsOf);
  const nodes = new Map<string, MeshNode>();
  /** Also of nodes and pods that are gone; no more of them than there are host addresses. */
  const nodeAt = new Map<string, string>();
  const ended = new Set<string>();
  const end = ({ uid }: InjectedPod): void => {
    ended.add(uid);
    for (const oldest of ended) {
      if (ended.size <= REMEMBERED_ENDS) break;
      ended.delete(oldest);
    }
  };

  return {
    cluster: { owner, node: (name) => nodes.get(name) },
    isHost: (address) => byHost.has(address) || [...nodes.values()].some((each) => each.address === address),
    nodeAt: (host) => nodeAt.get(host),
    nodeChanged: (before, after) => {
      if (before !== undefined) nodes.delete(before.name);
      if (after !== undefined) nodes.set(after.name, after);
      if (after?.address !== undefined) nodeAt.set(after.address, after.name);
      const isSame = before?.address === after?.address && before?.podCidr === after?.podCidr;
      const { name } = after ?? before ?? { name: '' };
      const touched = [syntheticNodeName(owner, name), legacyNodeName(name)].filter(byNode.has);
      return { nodes: isSame ? [] : touched, hosts: [] };
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
        byNode.remove(before);
        byHost.remove(before);
      }
      if (after !== undefined) {
        bySource.set(sourceOfPod(after), after);
        uids.add(after.uid);
        byNode.add(after);
        byHost.add(after);
        if (after.hostIp !== undefined && after.node !== undefined) nodeAt.set(after.hostIp, after.node);
      }
      const both = [before, after].filter((pod) => pod !== undefined);
      return { nodes: [...new Set(both.flatMap(nodesOf))], hosts: [...new Set(both.flatMap(hostsOf))] };
    },
  };
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
