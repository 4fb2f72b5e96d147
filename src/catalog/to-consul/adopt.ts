/** Taking over, once, what an earlier syncer left in Consul. */
import { EXTERNAL_SOURCE, EXTERNAL_SOURCE_META } from '../../model/consul-names.ts';
import { byText, indexed, isOnNode, ownerOf, type ObservedInstance } from '../../model/instance.ts';

type AdoptSettings = {
  readonly owner: string;
  /** Tandem's own node. */
  readonly node: string;
  /** The nodes under which the earlier syncer registered; Tandem's may be among them. */
  readonly earlierNodes: readonly string[];
  /** That the earlier syncer gave to everything it made. */
  readonly tag: string;
};

type Adoption = {
  /** A replacement of each is in Consul. */
  readonly deregister: readonly ObservedInstance[];
  /** Left by the earlier syncer, without a replacement: perhaps of another cluster, so somebody must look. */
  readonly kept: readonly ObservedInstance[];
};

/**
 * An earlier instance goes when ours of the same name, address and port is already **observed**: the new one is there
 * first, however often a reconcile fails in between. Nothing with an owner is considered, and nothing else is removed.
 *
 * @param observed the instances of all nodes in question, ours included
 */
export function adopt(observed: readonly ObservedInstance[], settings: AdoptSettings): Adoption {
  const replacements = new Set(
    observed
      .filter((each) => isOnNode(each, settings.node) && ownerOf(each) === settings.owner)
      .map(endpointKey),
  );
  const earlier = observed.filter((each) => isEarlier(each, settings)).sort(byPlace);
  return {
    deregister: earlier.filter((each) => replacements.has(endpointKey(each))),
    kept: earlier.filter((each) => !replacements.has(endpointKey(each))),
  };
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
