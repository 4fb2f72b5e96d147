/** The catalog as the registrar needs it: synthetic nodes read as a whole or in part, and services written many at once. */
import {
  CHECK_NAME,
  EXTERNAL_SOURCE,
  EXTERNAL_SOURCE_META,
  OWNER_META,
  POD_UID_META,
  SYNTHETIC_META,
} from '../model/consul-names.ts';
import { listOf, mapAt, objectAt, textIn, textIs } from '../model/decode-consul.ts';
import type { Check } from '../model/instance.ts';
import { observeSyntheticNode, type ObservedSyntheticNode } from '../catalog/mesh/observed-registration.ts';
import { catalogDefinition, proxyDefinition, taggedAddresses } from '../model/definition.ts';
import type { PodRegistration, SyntheticNode } from '../catalog/mesh/pod-registration.ts';
import type { AddressHolder } from '../controllers/address-book.ts';
import type { ConnectCatalog, ConnectWrite, InstanceOnNode } from '../controllers/registrar-ports.ts';
import { deleteService, setCheck, setInstance, type Operation } from '../model/operations.ts';
import { hasCode, TandemError } from '../support/errors.ts';
import { property, textAt } from '../support/json.ts';
import { requireWhole } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import { followIndex } from './follow.ts';
import { read, readChecks, readNodes, readWholeNode } from './read.ts';
import { transaction } from './transaction.ts';
import { deregisterCatalog, registerCatalog, type CatalogRegistration } from './write.ts';

// Nobody has such an id, so a query that waits for a change answers with its index and an empty list.
const NOTHING = 'CheckID == "-"';
const READINESS = `Name == ${JSON.stringify(CHECK_NAME)}`;

/** What the registrar's token must allow. */
export const NEEDED_RULES = 'node_prefix "" { policy = "read" } and service_prefix "" { policy = "write" }';

export function connectCatalog(client: ConsulCalls): ConnectCatalog {
  return {
    nodes: async (owner, signal) => {
      const ofOwner = { 'node-meta': `${OWNER_META}:${owner}` };
      const answer = await readNodes(client, { signal, consistency: 'consistent' }, ofOwner);
      requireWhole([answer], 'nodes', NEEDED_RULES);
      return answer.value.filter(({ Meta }) => Meta[SYNTHETIC_META] === 'true').map(({ Node }) => Node);
    },
    read: (node, signal, ids) => readNode(client, node, signal, ids),
    checks: async (signal) => {
      const answer = await readChecks(client, { signal, filter: READINESS });
      requireWhole([answer], 'checks', NEEDED_RULES);
      const nodes = [...Map.groupBy(answer.value, ({ Node }) => Node)];
      return new Map(
        nodes.map(([node, checks]) => [
          node,
          new Map(checks.map(({ CheckID, Status }) => [CheckID, Status])),
        ]),
      );
    },
    holders: async (service, signal) => {
      const answer = await read(
        client,
        {
          endpoint: 'catalog-service',
          path: `/v1/catalog/connect/${encodeURIComponent(service)}`,
          decode: listOf(addressHolder),
        },
        { signal, consistency: 'consistent' },
      );
      requireWhole([answer], 'instances', NEEDED_RULES);
      return answer.value.filter(({ address }) => address !== '');
    },
    watch: (onChange, signal) =>
      followIndex((options) => readChecks(client, { ...options, filter: NOTHING }), onChange, {
        signal,
        random: Math.random,
      }),
    writeNode: (node, owner, signal) => outcomeOf(registerCatalog(client, nodeOf(node, owner), signal)),
    register: (registration, owner, signal) =>
      outcomeOf(registerCatalog(client, definitionOf(registration, owner), signal)),
    setChecks: (checks, signal) => {
      const operations = checks.map(({ check, node, ...service }) => setCheck(service, check, node));
      return outcomeOf(allOrNone(client, operations, signal));
    },
    registerServices: (registrations, signal) => {
      const operations = registrations.flatMap((each) => setInstance(each, each.node.name));
      return outcomeOf(allOrNone(client, operations, signal));
    },
    deregister: (instances, signal) => deregister(client, instances, signal),
    removeNode: async (node, signal) => {
      const { instances } = await readNode(client, node, signal);
      return instances.length > 0
        ? { kind: 'refused', reason: 'somebody has registered an instance on it' }
        : outcomeOf(deregisterCatalog(client, { Node: node }, signal));
    },
  };
}

function addressHolder(value: unknown, place: string): AddressHolder {
  const instance = objectAt(value, place);
  const meta = mapAt(property(instance, 'ServiceMeta'), `${place}.ServiceMeta`, textIs);
  const virtual = property(property(instance, 'ServiceTaggedAddresses'), 'virtual');
  return {
    address: textAt(virtual, 'Address'),
    node: textIn(instance, 'Node', place),
    id: textIn(instance, 'ServiceID', place),
    owner: meta[OWNER_META],
    uid: meta[POD_UID_META],
  };
}

// Consul treats ids that differ only in case as one, its filter language does not: so ids that match in another case come too.
const OTHER_CHARACTERS = '[^a-z0-9.-]';

/** @throws TandemError TANDEM_CONSUL_FORBIDDEN when it is not everything, or not everything that was asked for */
async function readNode(
  client: ConsulCalls,
  node: string,
  signal: AbortSignal,
  ids?: readonly string[],
): Promise<ObservedSyntheticNode> {
  const filterOf = (field: string): { readonly filter?: string } =>
    ids === undefined
      ? {}
      : {
          filter: [...ids.map((id) => `${field} == "${id}"`), `${field} matches "${OTHER_CHARACTERS}"`].join(
            ' or ',
          ),
        };
  const [services, checks] = await readWholeNode(
    client,
    node,
    NEEDED_RULES,
    {
      signal,
      consistency: 'consistent',
    },
    { services: filterOf('ID'), checks: filterOf('ServiceID') },
  );
  return observeSyntheticNode(services.value, checks.value);
}

/** One instance that is wrong, or not allowed, says nothing about the others. */
export async function outcomeOf(write: Promise<void>): Promise<ConnectWrite> {
  try {
    await write;
    return { kind: 'applied' };
  } catch (error) {
    if (!hasCode(error, 'TANDEM_CONSUL_REFUSED', 'TANDEM_CONSUL_FORBIDDEN')) throw error;
    return { kind: 'refused', reason: error.message };
  }
}

async function deregister(
  client: ConsulCalls,
  instances: readonly InstanceOnNode[],
  signal: AbortSignal,
): Promise<ConnectWrite> {
  const [first, second] = instances;
  if (first !== undefined && second === undefined)
    return outcomeOf(deregisterCatalog(client, { Node: first.node, ServiceID: first.id }, signal));
  return outcomeOf(allOrNone(client, instances.map(deleteService), signal));
}

async function allOrNone(
  client: ConsulCalls,
  operations: readonly Operation[],
  signal: AbortSignal,
): Promise<void> {
  const outcome = await transaction(client, operations, signal);
  if (outcome.kind === 'applied') return;
  const said = outcome.kind === 'rolled-back' ? outcome.errors[0]?.what : undefined;
  throw new TandemError('TANDEM_CONSUL_REFUSED', said ?? 'Consul does not accept a transaction of this size');
}

function nodeOf({ name, address }: SyntheticNode, owner: string): CatalogRegistration {
  return {
    Node: name,
    Address: address,
    NodeMeta: {
      [SYNTHETIC_META]: 'true',
      [EXTERNAL_SOURCE_META]: EXTERNAL_SOURCE,
      [OWNER_META]: owner,
    },
  };
}

function definitionOf(registration: PodRegistration, owner: string): CatalogRegistration {
  const { id, kind, check, proxy, node } = registration;
  return {
    ...nodeOf(node, owner),
    SkipNodeUpdate: true,
    Service: {
      ...(proxy === undefined ? {} : { Kind: kind, Proxy: proxyDefinition(proxy) }),
      ...catalogDefinition(registration),
      ...taggedAddresses(registration.virtual),
    },
    Checks: check === undefined ? [] : [checkDefinition(node.name, id, check)],
  };
}

function checkDefinition(
  node: string,
  service: string,
  { id, name, status, output }: Check,
): NonNullable<CatalogRegistration['Checks']>[number] {
  return { Node: node, CheckID: id, Name: name, Status: status, Output: output, ServiceID: service };
}
