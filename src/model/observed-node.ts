/** What Consul answers about one node, as instances. An answer that is not whole is no answer: nothing may be removed on it. */
import { asString, isObject, property } from '../support/json.ts';
import { indexed, readinessCheckId, type Check, type ObservedInstance } from './instance.ts';

export type ObservedNode = {
  readonly name: string;
  readonly address: string;
  readonly meta: Readonly<Record<string, string>>;
};

export type Observed = {
  /** Undefined when Consul does not have the node. */
  readonly node: ObservedNode | undefined;
  readonly instances: readonly ObservedInstance[];
};

/**
 * @param nodeServices body of `GET /v1/catalog/node-services/<node>`
 * @param nodeChecks body of `GET /v1/health/node/<node>`
 * @returns undefined when a part of the bodies is not of the form that Consul documents
 */
export function readObserved(nodeServices: unknown, nodeChecks: unknown): Observed | undefined {
  // Consul answers `null` for an empty list, and for the node that it does not have.
  const services = property(nodeServices, 'Services') ?? [];
  const rawNode = property(nodeServices, 'Node');
  if (!isObject(nodeServices) || rawNode === undefined || !Array.isArray(services)) return undefined;
  const node = rawNode === null ? undefined : readNode(rawNode);
  const checks = readChecks(nodeChecks);
  if ((node === undefined && rawNode !== null) || checks === undefined) return undefined;
  const instances: ObservedInstance[] = [];
  for (const raw of services) {
    const instance = readInstance(raw, node?.name ?? '', checks);
    if (instance === undefined) return undefined;
    instances.push(instance);
  }
  return { node, instances };
}

function readNode(raw: unknown): ObservedNode | undefined {
  const name = asString(property(raw, 'Node'));
  if (name === undefined) return undefined;
  return { name, address: asString(property(raw, 'Address')) ?? '', meta: readMeta(property(raw, 'Meta')) };
}

type Checks = ReadonlyMap<string, readonly Check[]>;

/** By the indexed id of their service. */
function readChecks(raw: unknown): Checks | undefined {
  if (raw !== null && !Array.isArray(raw)) return undefined;
  const checks = new Map<string, Check[]>();
  for (const each of raw ?? []) {
    const id = asString(property(each, 'CheckID'));
    if (id === undefined) return undefined;
    const service = asString(property(each, 'ServiceID')) ?? '';
    const check = {
      id,
      name: asString(property(each, 'Name')) ?? '',
      status: readStatus(property(each, 'Status')),
      output: asString(property(each, 'Output')) ?? '',
    };
    const present = checks.get(indexed(service));
    if (present === undefined) checks.set(indexed(service), [check]);
    else present.push(check);
  }
  return checks;
}

/** Consul keeps any text in a transaction; what it does not know itself is never what we wrote, so it is mended. */
function readStatus(raw: unknown): Check['status'] {
  return raw === 'passing' || raw === 'critical' ? raw : 'warning';
}

function readInstance(raw: unknown, node: string, checks: Checks): ObservedInstance | undefined {
  const id = asString(property(raw, 'ID'));
  const name = asString(property(raw, 'Service'));
  if (id === undefined || name === undefined) return undefined;
  const tags = property(raw, 'Tags');
  const port = property(raw, 'Port');
  const weights = property(raw, 'Weights');
  const own = checks.get(indexed(id)) ?? [];
  const isReadiness = (check: Check): boolean => indexed(check.id) === indexed(readinessCheckId(id));
  return {
    id,
    name,
    node,
    address: asString(property(raw, 'Address')) ?? '',
    port: typeof port === 'number' ? port : 0,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    meta: readMeta(property(raw, 'Meta')),
    weight: readWeight(property(weights, 'Passing')),
    warningWeight: readWeight(property(weights, 'Warning')),
    kind: asString(property(raw, 'Kind')) ?? '',
    check: own.find(isReadiness),
    otherChecks: own.filter((check) => !isReadiness(check)),
  };
}

/** Consul: absent weights are 1 and 1. */
function readWeight(raw: unknown): number {
  return typeof raw === 'number' ? raw : 1;
}

function readMeta(raw: unknown): Readonly<Record<string, string>> {
  if (!isObject(raw)) return {};
  return Object.fromEntries(
    Object.entries(raw).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
