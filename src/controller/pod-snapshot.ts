/** The injected pods that are known, by where they are in Consul: a change of a pod names the places to look at. */
import { sourceOfPod, type InjectedPod } from '../catalog/connect/pod.ts';
import { nodeOfPod } from '../catalog/connect/registration.ts';

/** Synthetic nodes, and addresses of agents. */
export type Touched = { readonly nodes: readonly string[]; readonly hosts: readonly string[] };

export type PodSnapshot = {
  readonly pods: () => Iterable<InjectedPod>;
  /** Synthetic nodes that have pods; those in agent mode have none. */
  readonly nodes: () => Iterable<string>;
  readonly podsOn: (node: string) => readonly InjectedPod[];
  /** Host addresses that have pods in agent mode. */
  readonly hosts: () => Iterable<string>;
  readonly podsAt: (host: string) => readonly InjectedPod[];
  readonly pod: (source: string) => InjectedPod | undefined;
  readonly isKnown: (uid: string) => boolean;
  /** Its end was announced: it was seen to terminate, to finish, or to lose its node, and no longer lives. */
  readonly isEnded: (uid: string) => boolean;
  /** `before` is undefined for a pod that came, `after` for one that went. */
  readonly podChanged: (before: InjectedPod | undefined, after: InjectedPod | undefined) => Touched;
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
  const ended = new Set<string>();
  const end = ({ uid }: InjectedPod): void => {
    ended.add(uid);
    for (const oldest of ended) {
      if (ended.size <= REMEMBERED_ENDS) break;
      ended.delete(oldest);
    }
  };

  return {
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
  readonly podsIn: (place: string) => readonly InjectedPod[];
  readonly add: (pod: InjectedPod) => void;
  readonly remove: (pod: InjectedPod) => void;
};

function createPlaces(placesOf: (pod: InjectedPod) => readonly string[]): Places {
  const byPlace = new Map<string, Map<string, InjectedPod>>();
  return {
    names: () => byPlace.keys(),
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
