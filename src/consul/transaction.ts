/** `PUT /v1/txn`: many operations on the catalog, all or none. */
import type { OperationError } from '../model/consul-entries.ts';
import { listAt, objectAt, optionalNumberIn, textIn } from '../model/decode-consul.ts';
import { property } from '../support/json.ts';
import { parseWholeNumber } from '../support/text.ts';
import { jsonOf } from './answer.ts';
import type { ConsulClient } from './client.ts';
import type { RawAnswer } from './servers.ts';

type Verb = 'set' | 'cas' | 'get' | 'delete' | 'delete-cas';

type Texts = Readonly<Record<string, string>>;

export type NodeDefinition = {
  readonly Node: string;
  readonly Address?: string;
  readonly Meta?: Texts;
  readonly TaggedAddresses?: Texts;
  readonly ModifyIndex?: number;
};

export type ServiceDefinition = {
  readonly ID: string;
  /** Not empty, even for a deletion: Consul requires it, and then looks only at the ID. */
  readonly Service: string;
  readonly Kind?: string;
  readonly Tags?: readonly string[];
  readonly Address?: string;
  readonly Port?: number;
  readonly Meta?: Texts;
  readonly Weights?: { readonly Passing: number; readonly Warning: number };
  readonly TaggedAddresses?: Readonly<Record<string, { readonly Address: string; readonly Port: number }>>;
  readonly EnableTagOverride?: boolean;
  /** In a transaction Consul silently drops `Upstreams` and `Config`: register a proxy by `registerCatalog`. */
  readonly Proxy?: Readonly<Record<string, unknown>>;
  readonly ModifyIndex?: number;
};

export type CheckDefinition = {
  readonly Node: string;
  readonly CheckID: string;
  readonly Name?: string;
  readonly Status?: string;
  readonly Notes?: string;
  readonly Output?: string;
  readonly ServiceID?: string;
  /** Needed with `ServiceID`: Consul uses it to check the right to write. */
  readonly ServiceName?: string;
  readonly Type?: string;
  readonly ModifyIndex?: number;
};

/** As it goes over the wire; the fields keep Consul's names. */
export type TransactionOperation =
  | { readonly Node: { readonly Verb: Verb; readonly Node: NodeDefinition } }
  | {
      readonly Service: { readonly Verb: Verb; readonly Node: string; readonly Service: ServiceDefinition };
    }
  | { readonly Check: { readonly Verb: Verb; readonly Check: CheckDefinition } };

export type TransactionOutcome =
  /** `index` is that of the write; undefined after nothing but removals, for which Consul does not tell it. */
  | { readonly kind: 'applied'; readonly index: number | undefined }
  /** Nothing was applied. */
  | { readonly kind: 'rolled-back'; readonly errors: readonly OperationError[] }
  /** Nothing was applied. `max` is what the server takes, when it said so. */
  | { readonly kind: 'too-large'; readonly limit: 'operations' | 'bytes'; readonly max: number | undefined };

/**
 * A check-and-set whose answer is lost is not sent again, because it would fail if it had succeeded: it throws
 * TANDEM_CONSUL_UNREACHABLE, and the catalog has to be read.
 *
 * @throws TandemError TANDEM_CONSUL_…; the reason of the signal when that aborts
 */
export function transaction(
  client: ConsulClient,
  operations: readonly TransactionOperation[],
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
    once: operations.some((operation) => verbOf(operation).endsWith('cas')),
    signal,
    read: outcomeOf,
  });
}

function verbOf(operation: TransactionOperation): Verb {
  if ('Node' in operation) return operation.Node.Verb;
  return 'Service' in operation ? operation.Service.Verb : operation.Check.Verb;
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
  return { index: optionalNumberIn(error, 'OpIndex', place), what: textIn(error, 'What', place) };
}

// `Transaction contains too many operations (129 > 128)`, and `Request body(616320 bytes) too large, max size: 524288 bytes`.
function tooLarge(text: string): TransactionOutcome {
  const [, operations] = /too many operations \(\d+ > (\d+)\)/.exec(text) ?? [];
  if (operations !== undefined)
    return { kind: 'too-large', limit: 'operations', max: parseWholeNumber(operations) };
  const [, bytes = ''] = /max size: (\d+) bytes/.exec(text) ?? [];
  return { kind: 'too-large', limit: 'bytes', max: parseWholeNumber(bytes) };
}
