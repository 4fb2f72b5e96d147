/** Writes a plan to Consul. Namespaces with many changes wait for those with few, here and the next time. */
import { adopt } from '../catalog/to-consul/adopt.ts';
import type { Plan, Scope } from '../catalog/to-consul/consul-plan.ts';
import { changesOf, deregistration, type Change } from '../catalog/to-consul/transactions.ts';
import { writeOrder } from '../catalog/to-consul/write-order.ts';
import { indexed } from '../model/instance.ts';
import type { Writing } from '../reconcile/controller.ts';
import { createApplier, type Written } from './apply-changes.ts';
import type { NodeCache } from './node-cache.ts';
import type { Catalog } from './sync-ports.ts';

export type AdoptingPlan = {
  readonly plan: Plan;
  /** Nodes of an earlier syncer: what is there goes when all of ours is there. Empty: none. */
  readonly adoptNodes: readonly string[];
};

/** @param scope also with the tag that the earlier syncer gave to everything it made */
export function consulPlanApplier(
  catalog: Catalog,
  cache: NodeCache,
  scope: Scope & { readonly tag: string },
) {
  const apply = createApplier(catalog);

  return async (
    { plan, adoptNodes }: AdoptingPlan,
    writing: Writing<Change>,
    signal: AbortSignal,
  ): Promise<void> => {
    /** Services that wait for instances. */
    const waiting = new Set<string>();
    const left = ({ action, instance, source }: Change): void => {
      if (action !== 'deregister') waiting.add(indexed(instance.name));
      writing.left(source);
    };
    const write = (changes: readonly Change[], mayBegin = () => true): Promise<void> =>
      apply(changes, cache.node(), { ...writtenOf(cache, writing), left, mayBegin }, signal);
    const changes = changesOf(plan, scope.node);
    if (adoptNodes.length > 0) {
      await write(changes);
      return write(await adoptable(adoptNodes, signal));
    }
    const { urgent, few, many } = writeOrder(changes, (source) => cache.instances.forPlan([source], []));
    await write(urgent);
    await write(few, writing.turn());
    // Writing a Service of ten thousand endpoints takes a minute.
    const mayGoOn = writing.turn();
    const [urgentOfMany, others] = many;
    await write(urgentOfMany, mayGoOn);
    // What comes to a service of a namespace with few changes may have been left, and what goes from it is here.
    const mustStay = ({ action, instance }: Change): boolean =>
      action === 'deregister' && waiting.has(indexed(instance.name));
    others.filter(mustStay).forEach(left);
    await write(
      others.filter((change) => !mustStay(change)),
      mayGoOn,
    );
  };

  async function adoptable(earlierNodes: readonly string[], signal: AbortSignal): Promise<readonly Change[]> {
    const nodes = [...new Set([scope.node, ...earlierNodes])];
    const reads = await Promise.all(nodes.map((each) => catalog.read(each, { consistent: true, signal })));
    const found = adopt(
      reads.flatMap(({ instances }) => instances),
      { ...scope, earlierNodes },
    );
    return found.map(deregistration);
  }
}

function writtenOf(cache: NodeCache, writing: Writing<Change>): Omit<Written, 'mayBegin' | 'left'> {
  return {
    nodeWritten: cache.nodeWritten,
    applied: (change, index) => {
      cache.wrote(change, index, !writing.isRequested(change.source));
      writing.applied(change);
    },
    refused: ({ change, reason }) => writing.refused(change, reason),
  };
}
