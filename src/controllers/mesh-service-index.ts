/** The Services of Kubernetes that select pods, by what they select. */
import type { MeshService } from '../catalog/mesh/mesh-cluster.ts';
import { createGroups } from '../support/groups.ts';

export type MeshServiceIndex = {
  /** Those of a namespace that may select a pod with these labels: all that do are among them. */
  readonly near: (namespace: string, labels: ReadonlyMap<string, string>) => readonly MeshService[];
  readonly changed: (before: MeshService | undefined, after: MeshService | undefined) => void;
};

/** Each is found by a single pair of its selector, so that a pod is not compared with every Service of a large namespace. */
export function createMeshServiceIndex(): MeshServiceIndex {
  const byPair = createGroups<MeshService>();
  const pairOf = new Map<string, string>();
  const remove = (service: MeshService): void => {
    const source = keyOf(service);
    byPair.remove(pairOf.get(source) ?? '', service.name);
    pairOf.delete(source);
  };
  const add = (service: MeshService): void => {
    const { namespace, name, selector } = service;
    const pairs = [...selector].map(([key, value]) => pairKey(namespace, key, value));
    // The pair that the fewest Services share narrows most.
    const [first = '', ...others] = pairs;
    const size = (pair: string): number => byPair.of(pair).size;
    const rarest = others.reduce((best, each) => (size(each) < size(best) ? each : best), first);
    byPair.put(rarest, name, service);
    pairOf.set(keyOf(service), rarest);
  };
  return {
    near: (namespace, labels) =>
      [...labels].flatMap(([key, value]) => [...byPair.of(pairKey(namespace, key, value)).values()]),
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

function keyOf({ namespace, name }: MeshService): string {
  return `${namespace}/${name}`;
}
