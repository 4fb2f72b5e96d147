/** Injected pods by name, and by where they are in Consul. */
import { createGroups } from '../support/groups.ts';
import { sourceOfPod, type InjectedPod } from '../catalog/mesh/registered-pod.ts';

export type PodIndex = {
  readonly pods: () => Iterable<InjectedPod>;
  /** Synthetic nodes that have pods; those in agent mode have none. */
  readonly nodes: () => Iterable<string>;
  readonly podsOn: (node: string) => readonly InjectedPod[];
  /** Host addresses that have pods in agent mode. */
  readonly hosts: () => Iterable<string>;
  readonly podsAt: (host: string) => readonly InjectedPod[];
  readonly pod: (source: string) => InjectedPod | undefined;
  readonly isKnown: (uid: string) => boolean;
  /** Its end was reported: it was seen to terminate, to finish, or to lose its node, and no longer lives. */
  readonly isEnded: (uid: string) => boolean;
};

export type ChangingPodIndex = PodIndex & {
  readonly hasNode: (node: string) => boolean;
  readonly hasHost: (host: string) => boolean;
  readonly podsIn: (namespace: string) => readonly InjectedPod[];
  /** `before` is undefined for a pod that came, `after` for one that went. */
  readonly changed: (before: InjectedPod | undefined, after: InjectedPod | undefined) => void;
};

/** @param nodesOf the synthetic nodes of a pod, one or none */
export function createPodIndex(nodesOf: (pod: InjectedPod) => readonly string[]): ChangingPodIndex {
  const bySource = new Map<string, InjectedPod>();
  const uids = new Set<string>();
  const ends = createEnds();
  const byNode = createPlaces(nodesOf);
  const byHost = createPlaces(hostsOf);
  const byNamespace = createPlaces(({ namespace }) => [namespace]);
  const places = [byNode, byHost, byNamespace];

  return {
    pods: () => bySource.values(),
    nodes: byNode.names,
    hasNode: byNode.has,
    podsOn: byNode.podsIn,
    hosts: byHost.names,
    hasHost: byHost.has,
    podsAt: byHost.podsIn,
    podsIn: byNamespace.podsIn,
    pod: (source) => bySource.get(source),
    isKnown: (uid) => uids.has(uid),
    isEnded: ends.has,
    changed: (before, after) => {
      for (const pod of [before, after]) if (pod !== undefined && pod.stage !== 'alive') ends.add(pod.uid);
      if (before !== undefined) {
        bySource.delete(sourceOfPod(before));
        uids.delete(before.uid);
        for (const each of places) each.remove(before);
      }
      if (after !== undefined) {
        bySource.set(sourceOfPod(after), after);
        uids.add(after.uid);
        for (const each of places) each.add(after);
      }
    },
  };
}

/** Addresses of the agents that have the pod, one or none. */
export function hostsOf({ hostIp, injection }: InjectedPod): readonly string[] {
  return hostIp === undefined || injection.kind !== 'agent' ? [] : [hostIp];
}

// UIDs of 36 characters: less than 2 MB. A pod whose end was forgotten counts as just missing.
const REMEMBERED_ENDS = 10_000;

function createEnds() {
  const ended = new Set<string>();
  return {
    has: (uid: string): boolean => ended.has(uid),
    add: (uid: string): void => {
      ended.add(uid);
      for (const oldest of ended) {
        if (ended.size <= REMEMBERED_ENDS) break;
        ended.delete(oldest);
      }
    },
  };
}

function createPlaces(placesOf: (pod: InjectedPod) => readonly string[]) {
  const byPlace = createGroups<InjectedPod>();
  return {
    names: byPlace.names,
    has: byPlace.has,
    podsIn: (place: string): readonly InjectedPod[] => [...byPlace.of(place).values()],
    add: (pod: InjectedPod): void => {
      for (const place of placesOf(pod)) byPlace.put(place, sourceOfPod(pod), pod);
    },
    remove: (pod: InjectedPod): void => {
      for (const place of placesOf(pod)) byPlace.remove(place, sourceOfPod(pod));
    },
  };
}
