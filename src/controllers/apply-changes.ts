/** Writes changes to Consul in transactions: a bad one is found and left out, and the others go through. */
import type { OperationError } from '../model/consul-entries.ts';
import { TRANSACTION_LIMITS } from '../model/consul-names.ts';
import { splitBatch, withoutReplaced, type Refused } from '../catalog/to-consul/failed-batch.ts';
import {
  batchesOf,
  batchOf,
  operationsOf,
  withNode,
  type Batch,
  type Change,
  type Limits,
  type SyncNode,
} from '../catalog/to-consul/transactions.ts';
import type { Operation } from '../catalog/to-consul/operations.ts';
import { inParallel } from '../reconcile/in-parallel.ts';

export type WriteOutcome =
  /** `index` of the write, when Consul told it. */
  | { readonly kind: 'applied'; readonly index: number | undefined }
  | { readonly kind: 'rolled-back'; readonly errors: readonly OperationError[]; readonly reason: string }
  /** 413; what the server says that it takes. */
  | { readonly kind: 'too-large'; readonly limit: Partial<Limits> };

export type CatalogWriter = {
  /** Throws a coded error when it is not known whether it was applied. */
  readonly write: (operations: readonly Operation[], signal: AbortSignal) => Promise<WriteOutcome>;
};

export type Written = {
  readonly applied: (change: Change, index: number | undefined) => void;
  readonly refused: (refused: Refused) => void;
  /** Consul took the node; it is there from now on. */
  readonly nodeWritten: () => void;
  /** Asked before each transaction: false leaves its changes for another time. */
  readonly mayBegin: () => boolean;
  readonly left: (change: Change) => void;
};

type Applier = {
  /**
   * Registers and updates first, then removes, but nothing whose replacement was refused or left. Rejects with the first error
   * of the writer; what had been written by then was reported.
   */
  readonly apply: (
    changes: readonly Change[],
    node: SyncNode,
    written: Written,
    signal: AbortSignal,
  ) => Promise<void>;
};

export function createApplier({ write }: CatalogWriter): Applier {
  let limits = TRANSACTION_LIMITS;

  async function writeBatch(
    batch: Batch,
    node: SyncNode,
    written: Written,
    signal: AbortSignal,
  ): Promise<void> {
    const outcome = await write(operationsOf(batch), signal);
    if (outcome.kind === 'applied') {
      if (batch.node !== undefined) written.nodeWritten();
      for (const change of batch.changes) written.applied(change, outcome.index);
      return;
    }
    if (outcome.kind === 'too-large') {
      const smaller = reduce(limits, outcome.limit, batch);
      if (smaller !== undefined) {
        limits = smaller;
        await writeAll(batch.changes, node, written, signal);
        return;
      }
    }
    const errors = outcome.kind === 'rolled-back' ? outcome.errors : [];
    const reason = outcome.kind === 'rolled-back' ? outcome.reason : TOO_LARGE;
    const split = splitBatch(batch, errors, reason);
    switch (split.kind) {
      case 'missing-node':
        return writeBatch(withNode(batch, node.name), node, written, signal);
      case 'refused-node':
        for (const change of batch.changes) written.refused({ change, reason: split.reason });
        return undefined;
      case 'isolated':
        for (const refused of split.refused) written.refused(refused);
        return split.rest === undefined ? undefined : writeBatch(split.rest, node, written, signal);
      case 'halved':
        for (const half of split.halves) await writeBatch(half, node, written, signal);
        return undefined;
    }
  }

  async function writeAll(
    changes: readonly Change[],
    node: SyncNode,
    written: Written,
    signal: AbortSignal,
  ): Promise<void> {
    const { batches, tooLarge } = batchesOf(changes, node, limits);
    for (const change of tooLarge) written.refused({ change, reason: TOO_LARGE });
    const writeOrLeave = async (batch: Batch): Promise<void> => {
      if (written.mayBegin()) return writeBatch(batch, node, written, signal);
      for (const change of batch.changes) written.left(change);
    };
    const [first, ...others] = batches;
    if (first === undefined) return;
    if (node.registered) return inParallel(batches, writeOrLeave);
    // The node first, once: the other transactions find it there.
    await writeBatch(first, node, written, signal);
    await inParallel(others, (batch) => writeOrLeave(batchOf(batch.changes, undefined)));
  }

  return {
    apply: async (changes, node, written, signal) => {
      const failed: Change[] = [];
      const noting: Written = {
        ...written,
        refused: (refused) => {
          failed.push(refused.change);
          written.refused(refused);
        },
        left: (change) => {
          failed.push(change);
          written.left(change);
        },
      };
      const removals = changes.filter(({ action }) => action === 'deregister');
      await writeAll(
        changes.filter(({ action }) => action !== 'deregister'),
        node,
        noting,
        signal,
      );
      // A node that something was just written to is there; one that nothing is written to needs not be made.
      await writeAll(withoutReplaced(removals, failed), { ...node, registered: true }, noting, signal);
    },
  };
}

const TOO_LARGE = 'it is larger than a Consul transaction may be';

/** Undefined when the batch was within what the server says already: then only a smaller batch can help. */
function reduce(limits: Limits, said: Partial<Limits>, batch: Batch): Limits | undefined {
  const smaller = {
    operations: Math.min(limits.operations, said.operations ?? limits.operations),
    bytes: Math.min(limits.bytes, said.bytes ?? limits.bytes),
  };
  const wasOver = operationsOf(batch).length > smaller.operations || batch.bytes > smaller.bytes;
  return wasOver ? smaller : undefined;
}
