/** Single writes: to the catalog, and to the agent of a node. */
import type { Check } from '../model/instance.ts';
import { NEVER_EXPIRES } from '../model/consul-names.ts';
import type { ConsulClient } from './client.ts';
import { jsonOf } from './answer.ts';
import type { RawAnswer } from './servers.ts';
import type { CheckDefinition, NodeDefinition, ServiceDefinition } from './transaction.ts';

/** Node, service and checks at once; of a transaction the only other way to write, and the only one for a proxy. */
export type CatalogRegistration = {
  readonly Node: string;
  /** Needed unless `SkipNodeUpdate`. */
  readonly Address?: string;
  readonly NodeMeta?: NodeDefinition['Meta'];
  readonly TaggedAddresses?: NodeDefinition['TaggedAddresses'];
  /** Makes a node that is missing, and leaves alone one that is there. */
  readonly SkipNodeUpdate?: boolean;
  readonly Service?: Omit<ServiceDefinition, 'ModifyIndex'>;
  readonly Checks?: readonly Omit<CheckDefinition, 'ModifyIndex'>[];
};

/** Without an ID the whole node goes, with all that is on it. */
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
export async function registerCatalog(
  client: ConsulClient,
  registration: CatalogRegistration,
  signal?: AbortSignal,
): Promise<void> {
  await client.call({
    endpoint: 'catalog-register',
    method: 'PUT',
    path: '/v1/catalog/register',
    body: JSON.stringify(registration),
    signal,
    read: isTrue,
  });
}

/** `PUT /v1/catalog/deregister`. What is not there is deregistered, for Consul as for us. @throws TandemError */
export async function deregisterCatalog(
  client: ConsulClient,
  deregistration: CatalogDeregistration,
  signal?: AbortSignal,
): Promise<void> {
  await client.call({
    endpoint: 'catalog-deregister',
    method: 'PUT',
    path: '/v1/catalog/deregister',
    body: JSON.stringify(deregistration),
    signal,
    read: isTrue,
  });
}

/**
 * `PUT /v1/agent/service/deregister/<id>`, at the agent that has the service.
 *
 * @returns false when the agent did not have it
 * @throws TandemError
 */
export function deregisterFromAgent(
  client: Pick<ConsulClient, 'call'>,
  serviceId: string,
  signal?: AbortSignal,
): Promise<boolean> {
  return client.call({
    endpoint: 'agent-service-deregister',
    method: 'PUT',
    path: `/v1/agent/service/deregister/${encodeURIComponent(serviceId)}`,
    accept: [404],
    signal,
    read: deregistered,
  });
}

/** `PUT /v1/agent/service/register`: replaces what the agent has under the id. @throws TandemError */
export async function registerAtAgent(
  client: Pick<ConsulClient, 'call'>,
  definition: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<void> {
  await client.call({
    endpoint: 'agent-service-register',
    method: 'PUT',
    path: '/v1/agent/service/register',
    body: JSON.stringify(definition),
    signal,
    read: isEmpty,
  });
}

/** `PUT /v1/agent/check/register`: a TTL check of a service that the agent has. @throws TandemError */
export async function registerAgentCheck(
  client: Pick<ConsulClient, 'call'>,
  service: string,
  { id, name, status }: Check,
  signal?: AbortSignal,
): Promise<void> {
  await client.call({
    endpoint: 'agent-check-register',
    method: 'PUT',
    path: '/v1/agent/check/register',
    body: JSON.stringify({ ID: id, Name: name, ServiceID: service, TTL: NEVER_EXPIRES, Status: status }),
    signal,
    read: isEmpty,
  });
}

/** `PUT /v1/agent/check/update/<id>`. @throws TandemError */
export async function updateAgentCheck(
  client: Pick<ConsulClient, 'call'>,
  { id, status, output }: Check,
  signal?: AbortSignal,
): Promise<void> {
  await client.call({
    endpoint: 'agent-check-update',
    method: 'PUT',
    path: `/v1/agent/check/update/${encodeURIComponent(id)}`,
    body: JSON.stringify({ Status: status, Output: output }),
    signal,
    read: isEmpty,
  });
}

function isEmpty({ text }: RawAnswer): void {
  if (text.trim() !== '') throw new Error('the answer has a text');
}

function isTrue(answer: RawAnswer): void {
  if (jsonOf(answer) !== true) throw new Error('the answer is not "true"');
}

// Other 404s come from an agent that is none, or from a path that a proxy in between does not know.
function deregistered({ status, text }: RawAnswer): boolean {
  if (status === 200) {
    if (text.trim() !== '') throw new Error('the answer has a text');
    return true;
  }
  if (!text.includes('Unknown service ID')) throw new Error('status 404 without a reason');
  return false;
}
