/** Reads of Consul's catalog and health. */
import {
  checkEntries,
  checkEntry,
  nodeEntry,
  nodeServices,
  serviceEntry,
  type CheckEntry,
  type NodeEntry,
  type NodeServices,
  type ServiceEntry,
} from '../model/consul-entries.ts';
import { listAt, listOf, mapAt, objectAt, textIs } from '../model/decode-consul.ts';
import { property, textAt } from '../support/json.ts';
import { hasControl } from '../support/text.ts';
import { readAnswer, requireWhole, type Answer } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import type { RequestEndpoint } from '../model/consul-endpoints.ts';

export type ReadOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Answer when something changes after this index, or when the wait is over. */
  readonly after?: { readonly index: number; readonly waitSeconds: number } | undefined;
  /** `consistent` asks the leader and its followers; left out, the leader (Consul, "Consistency Modes"). */
  readonly consistency?: 'consistent' | 'stale';
  /** An expression of Consul's filter language. */
  readonly filter?: string;
};

type Read<T> = {
  readonly endpoint: RequestEndpoint;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly decode: (json: unknown) => T;
};

export type ServiceHealth = {
  readonly node: NodeEntry;
  readonly service: ServiceEntry;
  readonly checks: readonly CheckEntry[];
  /** `Locality.Zone` of the instance, else of its node (Consul 1.17 and later). */
  readonly zone: string | undefined;
};

// On top of the server's own time: the answer has to come over a network, from a server that may be busy.
const MARGIN_MILLISECONDS = 5000;

/**
 * A GET of anything that answers JSON.
 *
 * @throws TandemError TANDEM_CONSUL_…; the reason of the signal when that aborts
 */
export function read<T>(client: ConsulCalls, what: Read<T>, options: ReadOptions = {}): Promise<Answer<T>> {
  const { after, consistency, filter, signal } = options;
  return client.call({
    endpoint: what.endpoint,
    method: 'GET',
    path: what.path,
    query: {
      ...what.query,
      filter,
      ...(consistency === undefined ? {} : { [consistency]: '' }),
      ...(after === undefined ? {} : { index: String(after.index), wait: `${after.waitSeconds}s` }),
    },
    ...(after === undefined ? {} : { blocking: true, timeout: blockingTimeout(after.waitSeconds) }),
    signal,
    read: (raw) => readAnswer(raw, what.decode),
  });
}

/** Milliseconds: the server adds up to a sixteenth of the wait, so that not all clients come back at once. */
function blockingTimeout(waitSeconds: number): number {
  return waitSeconds * 1000 * (1 + 1 / 16) + MARGIN_MILLISECONDS;
}

/** Filters for what is wanted of a node; without them, everything. */
type OfNode = Readonly<Record<'services' | 'checks', Pick<ReadOptions, 'filter'>>>;

/**
 * Everything about a node.
 *
 * @param rules that the token needs for it
 * @throws TandemError TANDEM_CONSUL_FORBIDDEN when the token does not show everything
 */
export async function readWholeNode(
  client: ConsulCalls,
  node: string,
  rules: string,
  options: ReadOptions,
  wanted: OfNode = { services: {}, checks: {} },
): Promise<[Answer<NodeServices>, Answer<readonly CheckEntry[]>]> {
  const answers = await Promise.all([
    readNodeServices(client, node, { ...options, ...wanted.services }),
    readNodeChecks(client, node, { ...options, ...wanted.checks }),
  ]);
  requireWhole(answers, `of node ${JSON.stringify(node)}`, rules);
  return answers;
}

/**
 * All services of one node: `/v1/catalog/node-services/<node>`. Consul takes an unknown name for the first digits of a node's ID,
 * and answers with that other node: this function then says that there is no such node.
 */
export function readNodeServices(
  client: ConsulCalls,
  node: string,
  options?: ReadOptions,
): Promise<Answer<NodeServices>> {
  const path = `/v1/catalog/node-services/${encodeURIComponent(node)}`;
  const decode = (json: unknown): NodeServices => {
    const found = nodeServices(json);
    return found.node?.Node.toLowerCase() === node.toLowerCase() ? found : { node: undefined, services: [] };
  };
  return read(client, { endpoint: 'node-services', path, decode }, options);
}

/** All nodes: `/v1/catalog/nodes`. @param query such as `node-meta` */
export function readNodes(
  client: ConsulCalls,
  options?: ReadOptions,
  query: Read<unknown>['query'] = {},
): Promise<Answer<readonly NodeEntry[]>> {
  const decode = listOf(nodeEntry);
  return read(client, { endpoint: 'nodes', path: '/v1/catalog/nodes', query, decode }, options);
}

/** All checks of one node: `/v1/health/node/<node>`. */
export function readNodeChecks(
  client: ConsulCalls,
  node: string,
  options?: ReadOptions,
): Promise<Answer<readonly CheckEntry[]>> {
  const path = `/v1/health/node/${encodeURIComponent(node)}`;
  return read(client, { endpoint: 'health-node', path, decode: checkEntries }, options);
}

/** Checks of all nodes and services: `/v1/health/state/any`. */
export function readChecks(
  client: ConsulCalls,
  options?: ReadOptions,
): Promise<Answer<readonly CheckEntry[]>> {
  const what = { endpoint: 'health-state', path: '/v1/health/state/any', decode: checkEntries } as const;
  return read(client, what, options);
}

/** Names of all services, each with all tags of its instances: `/v1/catalog/services`. */
export function readServices(
  client: ConsulCalls,
  options?: ReadOptions,
): Promise<Answer<Readonly<Record<string, readonly string[]>>>> {
  const tags = (value: unknown, place: string): readonly string[] => listAt(value, place, textIs);
  const decode = (json: unknown) => mapAt(objectAt(json, 'answer'), 'answer', tags);
  return read(client, { endpoint: 'services', path: '/v1/catalog/services', decode }, options);
}

/** The instances of a service with their node and checks: `/v1/health/service/<name>`. */
export function readServiceHealth(
  client: ConsulCalls,
  service: string,
  options?: ReadOptions,
): Promise<Answer<readonly ServiceHealth[]>> {
  const path = `/v1/health/service/${encodeURIComponent(service)}`;
  const decode = listOf(serviceHealth);
  return read(client, { endpoint: 'health-service', path, decode }, options);
}

/** `host:port` of the leader, undefined when there is none: `/v1/status/leader`. Needs no token. */
export async function readLeader(client: ConsulCalls, signal?: AbortSignal): Promise<string | undefined> {
  const decode = (json: unknown): string => textIs(json, 'answer');
  const answer = await read(client, { endpoint: 'leader', path: '/v1/status/leader', decode }, { signal });
  return answer.value === '' ? undefined : answer.value;
}

function serviceHealth(value: unknown, place: string): ServiceHealth {
  const entry = objectAt(value, place);
  return {
    node: nodeEntry(property(entry, 'Node'), `${place}.Node`),
    service: serviceEntry(property(entry, 'Service'), `${place}.Service`),
    checks: listAt(property(entry, 'Checks'), `${place}.Checks`, checkEntry),
    zone: zoneOf(property(entry, 'Service')) ?? zoneOf(property(entry, 'Node')),
  };
}

function zoneOf(value: unknown): string | undefined {
  const zone = textAt(property(value, 'Locality'), 'Zone');
  // The API server accepts any text as the zone of an endpoint, and shows it to people.
  return zone === '' || hasControl(zone) ? undefined : zone;
}
