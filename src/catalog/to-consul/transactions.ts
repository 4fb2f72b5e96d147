/** Turns a plan into the bodies of Consul's `PUT /v1/txn`. */
import { sourceOf, type Instance, type ObservedInstance } from '../../model/instance.ts';
import type { ObservedNode } from '../../model/observed-node.ts';
import {
  deleteCheck,
  deleteService,
  isNodeRegistered,
  setCheck,
  setNode,
  setInstance,
  type Operation,
} from '../../model/operations.ts';
import type { Plan, InstanceUpdate } from './consul-plan.ts';

/** All operations of one instance; they stay together. */
export type Change = (
  | { readonly action: 'register' | 'update'; readonly instance: Instance }
  | { readonly action: 'deregister'; readonly instance: ObservedInstance }
) & {
  /** What a failure is reported on; empty for an instance that Tandem did not make. */
  readonly source: string;
  readonly operations: readonly Operation[];
  /** Of the operations as JSON in UTF-8, each with the comma behind it. */
  readonly bytes: number;
};

export type Batch = {
  /** Makes the node; in front of the others. */
  readonly node: Operation | undefined;
  readonly changes: readonly Change[];
  /** Of the body. */
  readonly bytes: number;
};

export type Limits = { readonly operations: number; readonly bytes: number };

type Batches = {
  readonly batches: readonly Batch[];
  /** Changes that no batch can hold. */
  readonly tooLarge: readonly Change[];
};

export type SyncNode = {
  readonly name: string;
  /** Consul has it, up to date. */
  readonly registered: boolean;
};

/** The node, and whether `observed` already is what would be written. */
export function syncNode(name: string, observed: ObservedNode | undefined): SyncNode {
  return { name, registered: isNodeRegistered(observed) };
}

/** Everything that adds comes before everything that removes, so that a service which moves is never without instances. */
export function changesOf(plan: Plan, node: string): Change[] {
  return [
    ...plan.register.map((instance): Change => ({
      action: 'register',
      instance,
      ...sent(instance, setInstance(instance, node)),
    })),
    ...plan.update.map((update): Change => ({
      action: 'update',
      instance: update.instance,
      ...sent(update.instance, updateOperations(update, node)),
    })),
    ...plan.deregister.map(deregistration),
  ];
}

/** Works for an instance on another node than Tandem's, too, as an adoption needs it. */
export function deregistration(instance: ObservedInstance): Change {
  return { action: 'deregister', instance, ...sent(instance, [deleteService(instance)]) };
}

/** Fills batches in the order of the changes. Each has room for the operation that makes the node, with or without it. */
export function batchesOf(changes: readonly Change[], node: SyncNode, limits: Limits): Batches {
  const nodeOperation = setNode(node.name);
  const nodeBytes = bytesOf([nodeOperation]);
  const room = { operations: limits.operations - 1, bytes: limits.bytes - nodeBytes - FRAME };
  const groups: Change[][] = [];
  const tooLarge: Change[] = [];
  let operations = 0;
  let bytes = 0;
  for (const each of changes) {
    if (each.operations.length > room.operations || each.bytes > room.bytes) {
      tooLarge.push(each);
      continue;
    }
    const group = groups.at(-1);
    operations += each.operations.length;
    bytes += each.bytes;
    if (group !== undefined && operations <= room.operations && bytes <= room.bytes) {
      group.push(each);
      continue;
    }
    groups.push([each]);
    operations = each.operations.length;
    bytes = each.bytes;
  }
  return {
    batches: groups.map((group) => batchOf(group, node.registered ? undefined : nodeOperation)),
    tooLarge,
  };
}

/** The batch with the operation that makes the node: Consul says `Missing node registration` when it has gone. */
export function withNode(batch: Batch, node: string): Batch {
  return batchOf(batch.changes, setNode(node));
}

export function batchOf(changes: readonly Change[], node: Operation | undefined): Batch {
  const ofNode = node === undefined ? 0 : bytesOf([node]);
  const ofChanges = changes.reduce((sum, each) => sum + each.bytes, 0);
  return { node, changes, bytes: FRAME + ofNode + ofChanges };
}

/** The body, before it is JSON; the indexes in Consul's errors are those of this list. */
export function operationsOf({ node, changes }: Batch): Operation[] {
  const ofChanges = changes.flatMap(({ operations }) => operations);
  return node === undefined ? ofChanges : [node, ...ofChanges];
}

/** The brackets around the body, less the comma that the last operation does not have behind it. */
const FRAME = '[]'.length - ','.length;

/** A change of health is one operation; a change of the service goes with its check, which repeats the service's name. */
function updateOperations(
  { instance, previous, fields }: InstanceUpdate,
  node: string,
): readonly Operation[] {
  const { check } = instance;
  const remove =
    check === undefined && previous.check !== undefined ? [deleteCheck(previous.check, node)] : [];
  if (fields.some((field) => field !== 'check')) return [...setInstance(instance, node), ...remove];
  return check === undefined ? remove : [setCheck(instance, check, node)];
}

function sent(
  instance: Instance,
  operations: readonly Operation[],
): Pick<Change, 'source' | 'operations' | 'bytes'> {
  return { source: sourceOf(instance), operations, bytes: bytesOf(operations) };
}

function bytesOf(operations: readonly Operation[]): number {
  return operations.reduce((sum, each) => sum + Buffer.byteLength(JSON.stringify(each)) + 1, 0);
}
