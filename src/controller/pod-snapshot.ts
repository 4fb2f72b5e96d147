/** The injected pods that are known, by the synthetic node that they are on: a change of a pod names the nodes to look at. */
import { sourceOfPod, type InjectedPod } from '../catalog/connect/pod.ts';
import { syntheticNodeName } from '../catalog/connect/registration.ts';

export type PodSnapshot = {
  readonly pods: () => Iterable<InjectedPod>;
  /** Synthetic nodes that have pods. */
  readonly nodes: () => Iterable<string>;
  readonly podsOn: (node: string) => readonly InjectedPod[];
  readonly pod: (source: string) => InjectedPod | undefined;
  /** Its end was announced: it was seen to terminate, to finish, or to lose its node. Not of a pod that is just missing. */
  readonly isEnded: (uid: string) => boolean;
  /** `before` is undefined for a pod that came, `after` for one that went. The answer: the nodes that it may touch. */
  readonly podChanged: (before: InjectedPod | undefined, after: InjectedPod | undefined) => readonly string[];
};

// UIDs of 36 characters: less than 2 MB. Whose end is forgotten is a pod that is just missing.
const REMEMBERED_ENDS = 10_000;

export function createPodSnapshot(): PodSnapshot {
  const ended = new Set<string>();
  const end = ({ uid }: InjectedPod): void => {
    ended.add(uid);
    for (const oldest of ended) {
      if (ended.size <= REMEMBERED_ENDS) break;
      ended.delete(oldest);
    }
  };
  const bySource = new Map<string, InjectedPod>();
  const byNode = new Map<string, Map<string, InjectedPod>>();
  const nodeOf = ({ node }: InjectedPod): readonly string[] =>
    node === undefined ? [] : [syntheticNodeName(node)];

  const remove = (pod: InjectedPod): void => {
    const source = sourceOfPod(pod);
    bySource.delete(source);
    for (const node of nodeOf(pod)) {
      const pods = byNode.get(node);
      pods?.delete(source);
      if (pods?.size === 0) byNode.delete(node);
    }
  };
  const add = (pod: InjectedPod): void => {
    const source = sourceOfPod(pod);
    bySource.set(source, pod);
    for (const node of nodeOf(pod)) {
      const pods = byNode.get(node);
      if (pods === undefined) byNode.set(node, new Map([[source, pod]]));
      else pods.set(source, pod);
    }
  };

  return {
    pods: () => bySource.values(),
    nodes: () => byNode.keys(),
    podsOn: (node) => [...(byNode.get(node)?.values() ?? [])],
    pod: (source) => bySource.get(source),
    isEnded: (uid) => ended.has(uid),
    podChanged: (before, after) => {
      for (const pod of [before, after]) if (pod !== undefined && pod.stage !== 'alive') end(pod);
      if (before !== undefined) remove(before);
      if (after !== undefined) add(after);
      return [...new Set([before, after].flatMap((pod) => (pod === undefined ? [] : nodeOf(pod))))];
    },
  };
}
