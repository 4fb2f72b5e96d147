/** Writes changes to Consul in transactions: a bad one is found and left out, and the others go through. */
import type { OperationError } from '../model/consul-entries.ts';
import { TRANSACTION_LIMITS } from '../model/consul-names.ts';
import { splitBatch, withoutReplaced, type Refused, type Split } from '../catalog/to-consul/failed-batch.ts';
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
import type { Operation } from '../model/operations.ts';
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
  /** Consul accepted the node; from now on it exists. */
  readonly nodeWritten: () => void;
  /** Asked before each transaction: false leaves its changes for another time. */
  readonly mayBegin: () => boolean;
  readonly left: (change: Change) => void;
};

/**
 * Registers and updates first, then removes, except where the replacement was refused or left. Rejects with the first error
 * of the writer; what had been written by then was reported.
 */
type Apply = (
  changes: readonly Change[],
  node: SyncNode,
  written: Written,
  signal: AbortSignal,
) => Promise<void>;

export function createApplier({ write }: CatalogWriter): Apply {
  const limits = createLimits();

  return async (changes, node, written, signal) => {
    const send = (batch: Batch): Promise<WriteOutcome> => write(operationsOf(batch), signal);
    const { writeAll, failed } = changesWriter({ send, limits, nodeName: node.name, written });
    const removals = changes.filter(({ action }) => action === 'deregister');
    const additions = changes.filter(({ action }) => action !== 'deregister');
    await writeAll(additions, node.registered);
    // A node that was just written to exists; a node to which nothing is written need not be created.
    await writeAll(withoutReplaced(removals, failed), true);
  };
}

type WriterParts = {
  readonly send: (batch: Batch) => Promise<WriteOutcome>;
  readonly limits: KnownLimits;
  readonly nodeName: string;
  readonly written: Written;
};

function changesWriter({ send, limits, nodeName, written }: WriterParts) {
  /** Refused, or left. */
  const failed: Change[] = [];
  return { writeAll, failed };

  async function writeAll(changes: readonly Change[], registered: boolean): Promise<void> {
    const { batches, tooLarge } = batchesOf(changes, { name: nodeName, registered }, limits.now());
    for (const change of tooLarge) refuse({ change, reason: TOO_LARGE });
    const [first, ...others] = batches;
    if (first === undefined) return;
    if (registered) return inParallel(batches, writeOrLeave);
    // The node first, once: the other transactions find it there.
    await writeBatch(first);
    await inParallel(others, (batch) => writeOrLeave(batchOf(batch.changes, undefined)));
  }

  function refuse(refused: Refused): void {
    failed.push(refused.change);
    written.refused(refused);
  }

  async function writeOrLeave(batch: Batch): Promise<void> {
    if (written.mayBegin()) return writeBatch(batch);
    failed.push(...batch.changes);
    for (const change of batch.changes) written.left(change);
  }

  async function writeBatch(batch: Batch): Promise<void> {
    const outcome = await send(batch);
    switch (outcome.kind) {
      case 'applied':
        if (batch.node !== undefined) written.nodeWritten();
        for (const change of batch.changes) written.applied(change, outcome.index);
        return undefined;
      case 'too-large':
        if (limits.learn(outcome.limit, batch)) return writeAll(batch.changes, batch.node === undefined);
        return writeParts(batch, splitBatch(batch, [], TOO_LARGE));
      case 'rolled-back':
        return writeParts(batch, splitBatch(batch, outcome.errors, outcome.reason));
    }
  }

  async function writeParts(batch: Batch, split: Split): Promise<void> {
    switch (split.kind) {
      case 'missing-node':
        return writeBatch(withNode(batch, nodeName));
      case 'refused-node':
        for (const change of batch.changes) refuse({ change, reason: split.reason });
        return undefined;
      case 'isolated':
        split.refused.forEach(refuse);
        return split.rest === undefined ? undefined : writeBatch(split.rest);
      case 'halved':
        for (const half of split.halves) await writeBatch(half);
        return undefined;
    }
  }
}

const TOO_LARGE = 'it is larger than a Consul transaction may be';

type KnownLimits = {
  readonly now: () => Limits;
  /** From a refusal; false when the batch was within what the server says already: then only a smaller one can help. */
  readonly learn: (said: Partial<Limits>, batch: Batch) => boolean;
};

function createLimits(): KnownLimits {
  let limits = TRANSACTION_LIMITS;
  return {
    now: () => limits,
    learn: (said, batch) => {
      const smaller = {
        operations: Math.min(limits.operations, said.operations ?? limits.operations),
        bytes: Math.min(limits.bytes, said.bytes ?? limits.bytes),
      };
      const wasOver = operationsOf(batch).length > smaller.operations || batch.bytes > smaller.bytes;
      if (wasOver) limits = smaller;
      return wasOver;
    },
  };
}
