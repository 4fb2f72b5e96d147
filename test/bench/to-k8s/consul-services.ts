/** Services of Consul with health that a benchmark changes. */
import type { Consul } from '../../real/harness/consul.ts';
import { inParallel } from '../sync/in-parallel.ts';

const ADDRESS = '10.255.0.1';
const INSTANCES = 3;
// Of 128 operations that a transaction holds, an instance and its check are two, and the node is one.
const SERVICES_A_TRANSACTION = 20;

export function serviceName(index: number): string {
  return `outside-${index}`;
}

/** Of the first instance, the one whose health is changed. */
export function firstAddress(index: number): string {
  return addressOf(index, 0);
}

/** Registers the services from one index up to another, all healthy. */
export async function registerServices(consul: Consul, from: number, to: number): Promise<void> {
  await inParallel(Math.ceil((to - from) / SERVICES_A_TRANSACTION), 2, async (batch) => {
    const first = from + batch * SERVICES_A_TRANSACTION;
    const length = Math.min(SERVICES_A_TRANSACTION, to - first);
    const nodes = [...new Set(Array.from({ length }, (_, index) => nodeOf(first + index)))];
    const ofNodes = nodes.map((Node) => ({ Node: { Verb: 'set', Node: { Node, Address: ADDRESS } } }));
    const operations = Array.from({ length }, (_, index) => operationsOf(first + index)).flat();
    await consul.call('PUT', '/v1/txn', [...ofNodes, ...operations]);
  });
}

/** Of the first instance. */
export async function setHealth(consul: Consul, index: number, isHealthy: boolean): Promise<void> {
  const Checks = [checkOf(index, 0, isHealthy)];
  const body = { Node: nodeOf(index), Address: ADDRESS, SkipNodeUpdate: true, Checks };
  await consul.call('PUT', '/v1/catalog/register', body);
}

function operationsOf(index: number): object[] {
  return Array.from({ length: INSTANCES }, (_, instance) => [
    {
      Service: {
        Verb: 'set',
        Node: nodeOf(index),
        Service: {
          ID: idOf(index, instance),
          Service: serviceName(index),
          Address: addressOf(index, instance),
          Port: 8080,
        },
      },
    },
    { Check: { Verb: 'set', Check: checkOf(index, instance, true) } },
  ]).flat();
}

function checkOf(index: number, instance: number, isHealthy: boolean): object {
  const id = idOf(index, instance);
  const Status = isHealthy ? 'passing' : 'critical';
  const names = { ServiceID: id, ServiceName: serviceName(index) };
  return { Node: nodeOf(index), CheckID: `${id}-check`, Name: 'health', Status, ...names };
}

// As many as a machine runs: each write costs Consul more, the more its node has.
function nodeOf(index: number): string {
  return `machine-${Math.floor(index / SERVICES_A_TRANSACTION)}`;
}

function idOf(index: number, instance: number): string {
  return `${serviceName(index)}-${instance}`;
}

function addressOf(index: number, instance: number): string {
  return `10.${200 + instance}.${index >> 8}.${index & 255}`;
}
