/** What would have to change in Consul: the difference between desired and observed, as data. */
import {
  byText,
  indexed,
  isOnNode,
  ownerOf,
  sourceOf,
  type Check,
  type Instance,
  type ObservedInstance,
} from '../../model/instance.ts';
import type { Conflict } from '../../model/problem.ts';
import { quote } from '../../support/text.ts';

export type Field = 'id' | 'name' | 'address' | 'port' | 'tags' | 'meta' | 'weights' | 'kind' | 'check';

export type InstanceUpdate = {
  readonly instance: Instance;
  readonly previous: ObservedInstance;
  /** Those that differ; never empty. */
  readonly fields: readonly Field[];
};

export type Plan = {
  readonly register: readonly Instance[];
  readonly update: readonly InstanceUpdate[];
  readonly deregister: readonly ObservedInstance[];
  /** Number of owned instances that are up to date. */
  readonly unchanged: number;
  /** Number of instances on the node that are not ours. */
  readonly foreign: number;
  readonly conflicts: readonly Conflict[];
};

/** Who writes, and on which node. */
export type Scope = { readonly owner: string; readonly node: string };

/**
 * Compares all of Consul's instances with everything that is desired, or those of some sources with what is desired of
 * them: nothing outside of `observed` is considered. What has another owner, no owner, or another node is never changed.
 *
 * @param observed of all nodes, as `readObserved` gives them, or what an index has of the sources
 */
export function plan(
  desired: readonly Instance[],
  observed: readonly ObservedInstance[],
  { owner, node }: Scope,
): Plan {
  const present = new Map(
    observed.filter((each) => isOnNode(each, node)).map((each) => [indexed(each.id), each]),
  );
  const register: Instance[] = [];
  const update: InstanceUpdate[] = [];
  const conflicts: Conflict[] = [];
  const wanted = new Set<string>();
  let unchanged = 0;
  for (const instance of desired) {
    const key = indexed(instance.id);
    wanted.add(key);
    const previous = present.get(key);
    if (previous === undefined) register.push(instance);
    else if (ownerOf(previous) !== owner) conflicts.push(conflict(instance, previous));
    else {
      const fields = differences(instance, previous);
      if (fields.length === 0) unchanged += 1;
      else update.push({ instance, previous, fields });
    }
  }
  const owned = [...present].filter(([, each]) => ownerOf(each) === owner);
  const deregister = owned.filter(([key]) => !wanted.has(key)).map(([, each]) => each);
  return {
    register: register.sort(byId),
    update: update.sort((left, right) => byId(left.instance, right.instance)),
    deregister: deregister.sort(byId),
    unchanged,
    foreign: present.size - owned.length,
    conflicts,
  };
}

/** True when applying the plan would write nothing. */
export function isEmpty({ register, update, deregister }: Plan): boolean {
  return register.length + update.length + deregister.length === 0;
}

/** The fields in which Consul's instance is not the desired one; empty when it is. */
export function differences(desired: Instance, observed: ObservedInstance): Field[] {
  const differs: readonly (readonly [Field, boolean])[] = [
    ['id', desired.id !== observed.id],
    ['name', desired.name !== observed.name],
    ['address', desired.address !== observed.address],
    ['port', desired.port !== observed.port],
    ['tags', !equalTags(desired.tags, observed.tags)],
    ['meta', !equalMeta(desired.meta, observed.meta)],
    ['weights', desired.weight !== observed.weight || observed.warningWeight !== 1],
    ['kind', observed.kind !== ''],
    ['check', !equalCheck(desired.check, observed.check)],
  ];
  return differs.flatMap(([field, isDifferent]) => (isDifferent ? field : []));
}

function equalTags(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((tag, index) => tag === right[index]);
}

function equalMeta(left: Instance['meta'], right: Instance['meta']): boolean {
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && left[key] === right[key])
  );
}

function equalCheck(left: Check | undefined, right: Check | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.id === right.id &&
    left.name === right.name &&
    left.status === right.status &&
    left.output === right.output
  );
}

function conflict(instance: Instance, previous: ObservedInstance): Conflict {
  return {
    source: sourceOf(instance),
    at: instance.id,
    message: `the instance on node ${quote(previous.node)} belongs to ${ownerInWords(previous)} and is not touched; deregister it in Consul, or restore its meta tandem-owner`,
  };
}

/** Of an instance that is not ours, in words. */
export function ownerInWords(instance: ObservedInstance): string {
  const owner = ownerOf(instance);
  return owner === undefined ? 'nobody Tandem knows of' : `owner ${quote(owner)}`;
}

function byId(left: Instance, right: Instance): number {
  return byText(left.id, right.id);
}
