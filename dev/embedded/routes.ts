/** The endpoints: each a function of the catalog and the request. */
import type { Catalog } from './catalog.ts';
import { entriesReply } from './config-entries.ts';
import { checkFields, definition, nodeFields, serviceFields, textOf } from './definition.ts';
import { applyFilter, parseFilter } from './filter.ts';
import { deregister, register, type RegistrationOutcome } from './registration.ts';
import { failure, json, readOf, type Reply } from './reply.ts';
import { transact, type Operation } from './transaction.ts';
import {
  nodeChecksView,
  nodeServicesView,
  nodesView,
  nodeView,
  serviceChecksView,
  serviceHealthView,
  servicesView,
  serviceView,
  stateChecksView,
} from './views.ts';
import { reasonOf } from '../../src/support/errors.ts';

type Answered = {
  readonly reply: Reply;
  /** The catalog after a write; undefined after a read. */
  readonly next?: Catalog;
};

export type Route =
  | {
      readonly kind: 'read';
      readonly answer: (catalog: Catalog, argument: string, query: URLSearchParams) => Reply;
      /** What is missing from a path that ends where the argument should be. */
      readonly missing?: string;
    }
  | { readonly kind: 'write'; readonly answer: (catalog: Catalog, body: string) => Answered };

const VERSION = '1.20.6';
// What a server of Consul calls its Raft address: host and `ports.server`.
const LEADER = '127.0.0.1:8300';
// `limits.txn_max_req_len` and the most operations of Consul since 1.14.
const MAX_TRANSACTION_BYTES = 524_288;
const MAX_OPERATIONS = 128;

/** By path; one that ends with `/` takes the rest of the path as its argument. */
export const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/v1/catalog/services', read((catalog) => servicesView(catalog))],
  ['/v1/catalog/nodes', read((catalog) => nodesView(catalog))],
  ['/v1/catalog/node/', read((catalog, name) => nodeView(catalog, name), 'Missing node name')],
  [
    '/v1/catalog/node-services/',
    read((catalog, name) => nodeServicesView(catalog, name), 'Missing node name'),
  ],
  [
    '/v1/catalog/service/',
    read((catalog, name, query) => serviceView(catalog, name, query.getAll('tag')), 'Missing service name'),
  ],
  [
    '/v1/health/service/',
    read(
      (catalog, name, query) => serviceHealthView(catalog, name, query.getAll('tag'), isPassing(query)),
      'Missing service name',
    ),
  ],
  ['/v1/health/node/', read((catalog, name) => nodeChecksView(catalog, name), 'Missing node name')],
  ['/v1/health/checks/', read((catalog, name) => serviceChecksView(catalog, name), 'Missing service name')],
  ['/v1/health/state/', read((catalog, state) => stateChecksView(catalog, state), 'Missing check state')],
  ['/v1/catalog/datacenters', plain((catalog) => [catalog.datacenter])],
  ['/v1/status/leader', plain(() => LEADER)],
  ['/v1/status/peers', plain(() => [LEADER])],
  ['/v1/agent/self', plain(agentSelf)],
  ['/v1/catalog/register', registration(register)],
  ['/v1/catalog/deregister', registration(deregister)],
  ['/v1/config/', { kind: 'read', answer: entriesReply }],
  ['/v1/txn', { kind: 'write', answer: answerTransaction }],
]);

function read(
  view: (catalog: Catalog, argument: string, query: URLSearchParams) => unknown,
  missing?: string,
): Route {
  const answer = (catalog: Catalog, argument: string, query: URLSearchParams): Reply =>
    readOf(filtered(view(catalog, argument, query), query));
  return { kind: 'read', answer, ...(missing === undefined ? {} : { missing }) };
}

function filtered(view: unknown, query: URLSearchParams): unknown {
  const filter = parseFilter(query.get('filter') ?? '');
  return filter === undefined ? view : applyFilter(view, filter);
}

function plain(view: (catalog: Catalog) => unknown): Route {
  return { kind: 'read', answer: (catalog) => json(view(catalog)) };
}

// `?passing` and `?passing=1` ask for it, `?passing=false` does not.
function isPassing(query: URLSearchParams): boolean {
  return query.has('passing') && !/^(?:0|f|false)$/i.test(query.get('passing') ?? '');
}

function agentSelf({ datacenter }: Catalog): unknown {
  return {
    Config: { Datacenter: datacenter, NodeName: 'embedded', Server: true, Version: VERSION },
    Member: { Name: 'embedded', Addr: '127.0.0.1' },
  };
}

function registration(apply: (catalog: Catalog, body: unknown) => RegistrationOutcome): Route {
  const answer = (catalog: Catalog, body: string): Answered => {
    try {
      const outcome = apply(catalog, JSON.parse(body));
      if (outcome.kind === 'refused') return { reply: failure(500, outcome.reason) };
      return { reply: json(true), next: outcome.catalog };
    } catch (error) {
      return { reply: failure(400, `Request decode failed: ${reasonOf(error)}`) };
    }
  };
  return { kind: 'write', answer };
}

function answerTransaction(catalog: Catalog, body: string): Answered {
  const bytes = Buffer.byteLength(body);
  if (bytes > MAX_TRANSACTION_BYTES)
    return {
      reply: failure(
        413,
        `Request body(${bytes} bytes) too large, max size: ${MAX_TRANSACTION_BYTES} bytes.`,
      ),
    };
  let operations: readonly Operation[];
  try {
    operations = operationsOf(JSON.parse(body));
  } catch (error) {
    return { reply: failure(400, `Failed to parse body: ${reasonOf(error)}`) };
  }
  if (operations.length > MAX_OPERATIONS) {
    const count = `${operations.length} > ${MAX_OPERATIONS}`;
    return { reply: failure(413, `Transaction contains too many operations (${count})`) };
  }
  const outcome = transact(catalog, operations);
  if (outcome.kind === 'rolled-back') return { reply: json({ Results: null, Errors: outcome.errors }, 409) };
  return { reply: json({ Results: outcome.results, Errors: null }), next: outcome.catalog };
}

function operationsOf(body: unknown): readonly Operation[] {
  if (!Array.isArray(body)) throw new Error('json: cannot unmarshal a value that is no list');
  return body.flatMap((element: unknown): Operation[] => {
    const { Node, Service, Check } = definition(
      element,
      { Node: 'object', Service: 'object', Check: 'object' },
      'TxnOp',
    );
    if (Node !== undefined) return [nodeOperation(Node)];
    if (Service !== undefined) return [serviceOperation(Service)];
    return Check === undefined ? [] : [checkOperation(Check)];
  });
}

function nodeOperation(value: unknown): Operation {
  const operation = definition(value, { Verb: 'text', Node: 'object' }, 'Node');
  const node = definition(operation['Node'] ?? {}, nodeFields, 'Node');
  return { kind: 'node', verb: textOf(operation, 'Verb'), node };
}

function serviceOperation(value: unknown): Operation {
  const operation = definition(value, { Verb: 'text', Node: 'text', Service: 'object' }, 'Service');
  const sent = definition(operation['Service'] ?? {}, serviceFields, 'NodeService');
  const [verb, node] = [textOf(operation, 'Verb'), textOf(operation, 'Node')];
  return { kind: 'service', verb, node, service: withoutDropped(sent) };
}

// A transaction loses these in silence, in Consul too.
function withoutDropped({ Locality: _locality, Proxy: proxy, ...rest }: Readonly<Record<string, unknown>>) {
  if (proxy === undefined) return rest;
  const { Upstreams: _upstreams, Config: _config, ...kept } = proxy as Readonly<Record<string, unknown>>;
  return { ...rest, Proxy: kept };
}

function checkOperation(value: unknown): Operation {
  const operation = definition(value, { Verb: 'text', Check: 'object' }, 'Check');
  const check = definition(operation['Check'] ?? {}, checkFields, 'HealthCheck');
  return { kind: 'check', verb: textOf(operation, 'Verb'), check };
}
