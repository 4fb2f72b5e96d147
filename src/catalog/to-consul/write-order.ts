/** The order in which changes are written: removals before additions, and namespaces with few changes before those with many. */
import { TRANSACTION_LIMITS } from '../../model/consul-names.ts';
import { indexed, type ObservedInstance } from '../../model/instance.ts';
import { placeKey } from './failed-batch.ts';
import type { Change } from './transactions.ts';

type WriteOrder = {
  /** Checks, and removals after which the service is as it should be or has other instances, of namespaces with few changes. */
  readonly urgent: readonly Change[];
  /** The other changes of namespaces with few. */
  readonly few: readonly Change[];
  /** Of namespaces with many changes. */
  readonly many: readonly [urgent: readonly Change[], others: readonly Change[]];
};

/** @param instancesOf all that Consul has of a source, before the changes */
export function writeOrder(
  changes: readonly Change[],
  instancesOf: (source: string) => readonly ObservedInstance[],
): WriteOrder {
  const isUrgent = urgencyOf(changes, instancesOf);
  const urgent = splitByNamespace(changes.filter(isUrgent));
  const others = splitByNamespace(changes.filter((change) => !isUrgent(change)));
  return { urgent: urgent.few, few: others.few, many: [urgent.many, others.many] };
}

/**
 * A service that moves to other addresses, ids or sources is never without instances, and what is at an address stays until what
 * replaces it there is written: such removals are not urgent.
 */
function urgencyOf(
  changes: readonly Change[],
  instancesOf: (source: string) => readonly ObservedInstance[],
): (change: Change) => boolean {
  const removals = changes.filter(({ action }) => action === 'deregister');
  const added = changes.filter((change) => change.action !== 'deregister' && !isCheck(change));
  const names = new Set(added.map(({ instance }) => indexed(instance.name)));
  const places = new Set(added.map(placeKey));
  const removed = new Set(removals.map(({ instance }) => indexed(instance.id)));
  const staying = new Set(
    [...new Set(removals.map(({ source }) => source))].flatMap((source) =>
      instancesOf(source)
        .filter(({ id }) => !removed.has(indexed(id)))
        .map(({ name }) => serviceKey(source, name)),
    ),
  );
  return (change) => {
    if (change.action !== 'deregister') return isCheck(change);
    const { source, instance } = change;
    const isServed = !names.has(indexed(instance.name)) || staying.has(serviceKey(source, instance.name));
    return isServed && !places.has(placeKey(change));
  };
}

function isCheck({ action, operations }: Change): boolean {
  return action === 'update' && operations.every((operation) => 'Check' in operation);
}

function serviceKey(source: string, name: string): string {
  return JSON.stringify([source, indexed(name)]);
}

// As one transaction takes.
const FEW = TRANSACTION_LIMITS.operations;

/**
 * Namespaces with few changes, and then the others, fewest first. A removal from a service to which the others add waits with
 * them: an instance may only have moved from one source to another.
 */
function splitByNamespace(changes: readonly Change[]): {
  readonly few: readonly Change[];
  readonly many: readonly Change[];
} {
  const counts = new Map<string, number>();
  const countOf = (change: Change): number => counts.get(namespaceOf(change)) ?? 0;
  for (const each of changes) counts.set(namespaceOf(each), countOf(each) + each.operations.length);
  const adding = new Set(
    changes
      .filter((change) => change.action !== 'deregister' && countOf(change) > FEW)
      .map(({ instance }) => indexed(instance.name)),
  );
  const moving = new Set(
    changes
      .filter(({ action, instance }) => action === 'deregister' && adding.has(indexed(instance.name)))
      .map(({ source }) => source),
  );
  const waits = (change: Change): boolean => countOf(change) > FEW || moving.has(change.source);
  return {
    few: changes.filter((change) => !waits(change)),
    many: changes.filter(waits).toSorted((left, right) => countOf(left) - countOf(right)),
  };
}

/** Of a source `Service/<namespace>/<name>`. */
function namespaceOf({ source }: Change): string {
  return source.split('/')[1] ?? '';
}
