/** `PUT /v1/txn`: many operations on the catalog, all or none. */
import type { OperationError } from '../model/consul-entries.ts';
import { listAt, objectAt, optionalNumber, textIn } from '../model/decode-consul.ts';
import type { Operation } from '../model/operations.ts';
import { property } from '../support/json.ts';
import { parseWholeNumber } from '../support/text.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import type { RawAnswer } from './servers.ts';

export type TransactionOutcome =
  /** `index` is that of the write; undefined after nothing but removals, for which Consul does not tell it. */
  | { readonly kind: 'applied'; readonly index: number | undefined }
  /** Nothing was applied. */
  | { readonly kind: 'rolled-back'; readonly errors: readonly OperationError[] }
  /** Nothing was applied. `max` is what the server takes, when it said so. */
  | { readonly kind: 'too-large'; readonly limit: 'operations' | 'bytes'; readonly max: number | undefined };

/** @throws TandemError TANDEM_CONSUL_…; the reason of the signal when that aborts */
export function transaction(
  client: ConsulCalls,
  operations: readonly Operation[],
  signal?: AbortSignal,
): Promise<TransactionOutcome> {
  return client.call({
    endpoint: 'transaction',
    method: 'PUT',
    path: '/v1/txn',
    body: JSON.stringify(operations),
    // The server writes to its disk and to those of the others before it answers.
    timeout: 30_000,
    accept: [409, 413],
    signal,
    read: outcomeOf,
  });
}

function outcomeOf(answer: RawAnswer): TransactionOutcome {
  if (answer.status === 413) return tooLarge(answer.text);
  const json = objectAt(jsonOf(answer), 'answer');
  const errors = listAt(property(json, 'Errors'), 'Errors', operationError);
  if (errors.length > 0) return { kind: 'rolled-back', errors };
  if (answer.status === 409) throw new Error('rolled back without a reason');
  return { kind: 'applied', index: writtenAt(property(json, 'Results')) };
}

/** A value that was set without being changed keeps an older index, so the newest is that of the write, if there was one. */
function writtenAt(results: unknown): number | undefined {
  const indexes = listAt(results, 'Results', (result) =>
    ['Node', 'Service', 'Check'].map((kind) => property(property(result, kind), 'ModifyIndex')),
  );
  const known = indexes.flat().filter((index) => typeof index === 'number');
  return known.length === 0 ? undefined : Math.max(...known);
}

function operationError(value: unknown, place: string): OperationError {
  const error = objectAt(value, place);
  return { index: optionalNumber(error['OpIndex'], `${place}.OpIndex`), what: textIn(error, 'What', place) };
}

// `Transaction contains too many operations (129 > 128)`, and `Request body(616320 bytes) too large, max size: 524288 bytes`.
function tooLarge(text: string): TransactionOutcome {
  const [, operations] = /too many operations \(\d+ > (\d+)\)/.exec(text) ?? [];
  if (operations !== undefined)
    return { kind: 'too-large', limit: 'operations', max: parseWholeNumber(operations) };
  const [, bytes = ''] = /max size: (\d+) bytes/.exec(text) ?? [];
  return { kind: 'too-large', limit: 'bytes', max: parseWholeNumber(bytes) };
}
