/** Takes over, once, what an earlier syncer left in Consul. */
import { EXTERNAL_SOURCE, EXTERNAL_SOURCE_META } from '../../model/consul-names.ts';
import { byText, indexed, isOnNode, ownerOf, type ObservedInstance } from '../../model/instance.ts';

type AdoptSettings = {
  readonly owner: string;
  /** Tandem's own node. */
  readonly node: string;
  /** The nodes under which the earlier syncer registered; Tandem's may be among them. */
  readonly earlierNodes: readonly string[];
  /** The tag that the earlier syncer gave to everything it made. */
  readonly tag: string;
};

/**
 * An earlier instance goes when ours of the same name, address and port is already **observed**: the new one is there
 * first, however often a reconcile fails in between. Nothing with an owner is considered, and nothing else is removed.
 *
 * @param observed the instances of all nodes in question, ours included
 * @returns what to deregister; of the others somebody must judge, since they may be another cluster's
 */
export function adopt(
  observed: readonly ObservedInstance[],
  settings: AdoptSettings,
): readonly ObservedInstance[] {
  const replacements = new Set(
    observed
      .filter((each) => isOnNode(each, settings.node) && ownerOf(each) === settings.owner)
      .map(endpointKey),
  );
  return observed
    .filter((each) => isEarlier(each, settings) && replacements.has(endpointKey(each)))
    .toSorted(byPlace);
}

function isEarlier(instance: ObservedInstance, { earlierNodes, tag }: AdoptSettings): boolean {
  return (
    earlierNodes.some((node) => isOnNode(instance, node)) &&
    instance.kind === '' &&
    instance.tags.includes(tag) &&
    instance.meta[EXTERNAL_SOURCE_META] === EXTERNAL_SOURCE &&
    ownerOf(instance) === undefined
  );
}

function endpointKey({ name, address, port }: ObservedInstance): string {
  return JSON.stringify([indexed(name), address, port]);
}

function byPlace(left: ObservedInstance, right: ObservedInstance): number {
  return byText(left.node, right.node) || byText(left.id, right.id);
}
