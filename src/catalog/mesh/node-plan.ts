/** What would have to change on one synthetic node: the difference between desired and observed, as data. */
import { POD_UID_META } from '../../model/consul-names.ts';
import { byText, indexed, ownerOf, type Check } from '../../model/instance.ts';
import type { Conflict } from '../../model/problem.ts';
import type { VirtualAddress } from '../../model/registration.ts';
import { quote } from '../../support/text.ts';
import { differences, ownerInWords, type Field } from '../to-consul/consul-plan.ts';
import { isOwnNode, type ObservedRegistration, type ObservedSyntheticNode } from './observed-registration.ts';
import { isSameProxy } from './proxy.ts';
import type { PodRegistration, SyntheticNode } from './pod-registration.ts';

export type RegistrationField = Field | 'proxy' | 'virtual';

export type NodePlan = {
  readonly name: string;
  /** The node itself has to be changed; undefined when it is up to date, belongs to someone else, or comes with the first instance. */
  readonly node: SyntheticNode | undefined;
  /** Consul does not have the node. */
  readonly isNewNode: boolean;
  readonly register: readonly PodRegistration[];
  readonly update: readonly {
    readonly registration: PodRegistration;
    /** Those that differ; never empty, and never the check alone. */
    readonly fields: readonly RegistrationField[];
  }[];
  /** Only the check differs: the most frequent change, and one write can hold many of them. */
  readonly checks: readonly { readonly registration: PodRegistration; readonly check: Check }[];
  readonly deregister: readonly ObservedRegistration[];
  /** Nothing is left on the node then, and it is ours. */
  readonly removeNode: boolean;
  readonly conflicts: readonly Conflict[];
  readonly unchanged: number;
  /** Instances that are ours, before the plan. */
  readonly owned: number;
  readonly foreign: number;
};

/**
 * @param desired of the pods of this node, and of no other
 * @param observed a read of the whole node, or of some ids if `desired` has no others; `removeNode` then means nothing
 */
export function planNode(
  name: string,
  desired: readonly PodRegistration[],
  observed: ObservedSyntheticNode,
  owner: string,
): NodePlan {
  const present = new Map(observed.instances.map((each) => [indexed(each.id), each]));
  const { wanted, conflicts } = claim(desired, present, owner);
  const register: PodRegistration[] = [];
  const update: NodePlan['update'][number][] = [];
  const checks: NodePlan['checks'][number][] = [];
  for (const [key, registration] of wanted) {
    const previous = present.get(key);
    const fields = previous === undefined ? [] : differencesOf(registration, previous);
    const { check } = registration;
    if (previous === undefined) register.push(registration);
    else if (fields.length === 1 && fields[0] === 'check' && check !== undefined)
      checks.push({ registration, check });
    else if (fields.length > 0) update.push({ registration, fields });
  }
  const owned = observed.instances.filter((each) => ownerOf(each) === owner);
  const deregister = owned.filter(({ id }) => !wanted.has(indexed(id)));
  const isOurs = isOwnNode(observed.node, owner);
  return {
    name,
    node: nodeToWrite([...wanted.values()][0]?.node, observed, isOurs),
    isNewNode: observed.node === undefined,
    register,
    update,
    checks,
    deregister: deregister.toSorted((left, right) => byText(left.id, right.id)),
    removeNode: isOurs && wanted.size === 0 && deregister.length === observed.instances.length,
    conflicts,
    unchanged: wanted.size - register.length - update.length - checks.length,
    owned: owned.length,
    foreign: observed.instances.length - owned.length,
  };
}

/** True when applying the plan would write nothing. */
export function isEmptyNodePlan({
  node,
  register,
  update,
  checks,
  deregister,
  removeNode,
}: NodePlan): boolean {
  const changes = register.length + update.length + checks.length + deregister.length;
  return changes === 0 && node === undefined && !removeNode;
}

/** The fields in which Consul's instance is not the wanted one; empty when it is. */
export function differencesOf(wanted: PodRegistration, found: ObservedRegistration): RegistrationField[] {
  const kind = wanted.kind === 'service' ? '' : wanted.kind;
  const fields: RegistrationField[] = differences(wanted, { ...found, kind: '' });
  if (found.kind !== kind) fields.push('kind');
  if (wanted.proxy !== undefined && !isSameProxy(wanted.proxy, found.proxy)) fields.push('proxy');
  if (!isSameAddress(wanted.virtual, found.virtual)) fields.push('virtual');
  return fields;
}

export function isSameAddress(left: VirtualAddress | undefined, right: VirtualAddress | undefined): boolean {
  return left?.address === right?.address && left?.port === right?.port;
}

/**
 * Who gets an id: nobody, when Consul has it of another owner; else one pod. Two pods of different namespaces can want
 * one, and the one that has it keeps it, so that they do not take it from each other for ever.
 */
function claim(
  desired: readonly PodRegistration[],
  present: ReadonlyMap<string, ObservedRegistration>,
  owner: string,
): { readonly wanted: ReadonlyMap<string, PodRegistration>; readonly conflicts: readonly Conflict[] } {
  const wanted = new Map<string, PodRegistration>();
  const conflicts: Conflict[] = [];
  const holds = ({ id, uid }: PodRegistration): boolean =>
    present.get(indexed(id))?.meta[POD_UID_META] === uid;
  const rank = (each: PodRegistration): string => `${holds(each) ? 0 : 1} ${each.source}`;
  for (const registration of desired.toSorted((left, right) => byText(rank(left), rank(right)))) {
    const { id, source } = registration;
    const key = indexed(id);
    const previous = present.get(key);
    const other = wanted.get(key);
    if (previous !== undefined && ownerOf(previous) !== owner)
      conflicts.push({ source, at: id, message: foreignMessage(registration, previous) });
    else if (other !== undefined)
      conflicts.push({ source, at: id, message: `${other.source} has the id ${id} on this node` });
    else wanted.set(key, registration);
  }
  return { wanted, conflicts };
}

function foreignMessage({ id, node }: PodRegistration, previous: ObservedRegistration): string {
  return `the instance ${id} on node ${quote(node.name)} of Consul belongs to ${ownerInWords(previous)} and is not touched; deregister it there`;
}

function nodeToWrite(
  wanted: SyntheticNode | undefined,
  observed: ObservedSyntheticNode,
  isOurs: boolean,
): SyntheticNode | undefined {
  return isOurs && wanted !== undefined && observed.node?.address !== wanted.address ? wanted : undefined;
}
