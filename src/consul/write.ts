/** Single writes: to the catalog, and to the agent of a node. */
import type { CheckEntry } from '../model/consul-entries.ts';
import type { CatalogDefinition, taggedAddresses } from '../model/definition.ts';
import type { Check } from '../model/instance.ts';
import { NEVER_EXPIRES } from '../model/consul-names.ts';
import type { ConsulCalls } from './client.ts';
import { jsonOf } from './answer.ts';
import type { Call, RawAnswer } from './servers.ts';

/** Node, service and checks at once; besides a transaction the only way to write, and the only one for a proxy. */
export type CatalogRegistration = {
  readonly Node: string;
  /** Needed unless `SkipNodeUpdate`. */
  readonly Address?: string;
  readonly NodeMeta?: Readonly<Record<string, string>>;
  /** Creates a node that is missing, and leaves an existing one alone. */
  readonly SkipNodeUpdate?: boolean;
  readonly Service?: Pick<CatalogDefinition, 'ID' | 'Service'> &
    Partial<CatalogDefinition> &
    ReturnType<typeof taggedAddresses> & {
      readonly Kind?: string;
      /** In a transaction Consul drops its `Upstreams` and `Config` in silence. */
      readonly Proxy?: Readonly<Record<string, unknown>>;
    };
  readonly Checks?: readonly (Pick<CheckEntry, 'Node' | 'CheckID'> & Partial<CheckEntry>)[];
};

/** Without an ID the whole node is removed, with everything on it. */
type CatalogDeregistration = {
  readonly Node: string;
  readonly ServiceID?: string;
  readonly CheckID?: string;
};

/**
 * `PUT /v1/catalog/register`.
 *
 * @throws TandemError TANDEM_CONSUL_REFUSED, with Consul's reason, for a registration that is wrong
 */
export function registerCatalog(
  client: ConsulCalls,
  registration: CatalogRegistration,
  signal?: AbortSignal,
): Promise<void> {
  const what = { endpoint: 'catalog-register', path: '/v1/catalog/register', read: isTrue } as const;
  return put(client, what, registration, signal);
}

/** `PUT /v1/catalog/deregister`. It also succeeds if there is nothing to deregister. @throws TandemError */
export function deregisterCatalog(
  client: ConsulCalls,
  deregistration: CatalogDeregistration,
  signal?: AbortSignal,
): Promise<void> {
  const what = { endpoint: 'catalog-deregister', path: '/v1/catalog/deregister', read: isTrue } as const;
  return put(client, what, deregistration, signal);
}

/**
 * `PUT /v1/agent/service/deregister/<id>`, at the agent that has the service.
 *
 * @returns false when the agent did not have it
 * @throws TandemError
 */
export function deregisterFromAgent(
  client: ConsulCalls,
  serviceId: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const path = `/v1/agent/service/deregister/${encodeURIComponent(serviceId)}`;
  const what = { endpoint: 'agent-service-deregister', path, accept: [404], read: deregistered } as const;
  return put(client, what, undefined, signal);
}

/** `PUT /v1/agent/service/register`: replaces what the agent has under the id. @throws TandemError */
export function registerAtAgent(
  client: ConsulCalls,
  definition: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<void> {
  const path = '/v1/agent/service/register';
  return put(client, { endpoint: 'agent-service-register', path, read: isEmpty }, definition, signal);
}

/** `PUT /v1/agent/check/register`: a TTL check of a service that the agent has. @throws TandemError */
export function registerAgentCheck(
  client: ConsulCalls,
  service: string,
  { id, name, status }: Check,
  signal?: AbortSignal,
): Promise<void> {
  const path = '/v1/agent/check/register';
  const body = { ID: id, Name: name, ServiceID: service, TTL: NEVER_EXPIRES, Status: status };
  return put(client, { endpoint: 'agent-check-register', path, read: isEmpty }, body, signal);
}

/** `PUT /v1/agent/check/update/<id>`. @throws TandemError */
export function updateAgentCheck(
  client: ConsulCalls,
  { id, status, output }: Check,
  signal?: AbortSignal,
): Promise<void> {
  const path = `/v1/agent/check/update/${encodeURIComponent(id)}`;
  const body = { Status: status, Output: output };
  return put(client, { endpoint: 'agent-check-update', path, read: isEmpty }, body, signal);
}

function put<T>(
  client: ConsulCalls,
  what: Pick<Call<T>, 'endpoint' | 'path' | 'accept' | 'read'>,
  body: object | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return client.call({ ...what, method: 'PUT', ...sent, signal });
}

function isEmpty({ text }: Pick<RawAnswer, 'text'>): void {
  if (text.trim() !== '') throw new Error('the answer has a text');
}

function isTrue(answer: RawAnswer): void {
  if (jsonOf(answer) !== true) throw new Error('the answer is not "true"');
}

// Other 404s come from something that is not an agent, or from a proxy in between that does not know the path.
function deregistered({ status, text }: RawAnswer): boolean {
  if (status === 200) {
    isEmpty({ text });
    return true;
  }
  if (!text.includes('Unknown service ID')) throw new Error('status 404 without a reason');
  return false;
}
