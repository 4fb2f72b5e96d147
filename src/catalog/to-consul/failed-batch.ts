/** What is done about a transaction that Consul refused as a whole. */
import type { OperationError } from '../../model/consul-entries.ts';
import { batchOf, operationsOf, type Batch, type Change } from './transactions.ts';

export type Refused = { readonly change: Change; readonly reason: string };

export type Split =
  /** Consul has lost the node: send the same again with it in front. */
  | { readonly kind: 'missing-node' }
  /** The operation that makes the node was refused; no instance is to blame. */
  | { readonly kind: 'refused-node'; readonly reason: string }
  | {
      readonly kind: 'isolated';
      readonly refused: readonly Refused[];
      /** Without removals that wait for what was refused; see `withoutReplaced`. */
      readonly rest: Batch | undefined;
    }
  /** Nobody knows which operation it was: try each half. */
  | { readonly kind: 'halved'; readonly halves: readonly [Batch, Batch] };

/**
 * Separates the changes that Consul named; if it named none, halves the batch. It always ends: every part is smaller than the
 * whole, and a batch of one change has found the culprit.
 *
 * @param reason reported for the change if Consul named no operation
 */
export function splitBatch(batch: Batch, errors: readonly OperationError[], reason: string): Split {
  if (batch.node === undefined && errors.some(({ what }) => what.includes('Missing node registration')))
    return { kind: 'missing-node' };
  const ofNode = batch.node && errors.find(({ index }) => index === 0);
  if (ofNode !== undefined) return { kind: 'refused-node', reason: ofNode.what };
  const refused = refusedBy(batch, errors);
  if (refused.length > 0) return isolate(batch, refused);
  const [only, ...others] = batch.changes;
  if (only === undefined || others.length === 0)
    return isolate(batch, only === undefined ? [] : [{ change: only, reason }]);
  const middle = Math.ceil(batch.changes.length / 2);
  return {
    kind: 'halved',
    halves: [
      batchOf(batch.changes.slice(0, middle), batch.node),
      batchOf(batch.changes.slice(middle), batch.node),
    ],
  };
}

/**
 * Without the removals whose replacement was refused: an instance of the same source at the same address, under another
 * name or port. What is at an address that is no longer wanted is removed nevertheless.
 */
export function withoutReplaced(changes: readonly Change[], refused: readonly Change[]): readonly Change[] {
  const waiting = new Set(refused.filter(({ action }) => action !== 'deregister').map(placeKey));
  return changes.filter((change) => change.action !== 'deregister' || !waiting.has(placeKey(change)));
}

/** Where the instances of a source replace each other. */
export function placeKey({ source, instance }: Change): string {
  return JSON.stringify([source, instance.address]);
}

function isolate(batch: Batch, refused: readonly Refused[]): Split {
  const bad = new Set(refused.map(({ change }) => change));
  const others = batch.changes.filter((change) => !bad.has(change));
  const rest = withoutReplaced(others, [...bad]);
  return {
    kind: 'isolated',
    refused,
    rest: rest.length === 0 ? undefined : batchOf(rest, batch.node),
  };
}

/** The first error of each change: a check lacks its service only because the service was refused. */
function refusedBy(batch: Batch, errors: readonly OperationError[]): Refused[] {
  const owners = new Map(
    batch.changes.flatMap((change) => change.operations.map((operation) => [operation, change] as const)),
  );
  const operations = operationsOf(batch);
  const reasons = new Map<Change, string>();
  for (const { index, what } of errors.toSorted((left, right) => left.index - right.index)) {
    const operation = operations[index];
    const change = operation && owners.get(operation);
    if (change !== undefined && !reasons.has(change)) reasons.set(change, what);
  }
  return [...reasons].map(([change, reason]) => ({ change, reason }));
}
