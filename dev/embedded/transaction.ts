/** Operations on the catalog, all or none: what `PUT /v1/txn` does, and what a registration is made of. */
import type { Catalog, CatalogCheck, CatalogNode, CatalogService } from './catalog.ts';
import { checkOf, nodeOf, numberOf, serviceOf, textOf, type Definition } from './definition.ts';
import { draftOf, type Draft } from './draft.ts';
import { brokenRule, metaProblem } from './service-rules.ts';

export type Operation =
  | { readonly kind: 'node'; readonly verb: string; readonly node: Definition }
  | {
      readonly kind: 'service';
      readonly verb: string;
      readonly node: string;
      readonly service: Definition;
    }
  | { readonly kind: 'check'; readonly verb: string; readonly check: Definition };

/** What a successful operation shows: the entry, or nothing after a delete. */
type Result =
  { readonly Node: CatalogNode } | { readonly Service: CatalogService } | { readonly Check: CatalogCheck };

type OperationError = { readonly OpIndex: number; readonly What: string };

type TransactionOutcome =
  | { readonly kind: 'applied'; readonly catalog: Catalog; readonly results: readonly Result[] }
  | { readonly kind: 'rolled-back'; readonly errors: readonly OperationError[] };

/** Every operation is tried, so that all errors come at once; one error is enough for nothing to change. */
export function transact(catalog: Catalog, operations: readonly Operation[]): TransactionOutcome {
  const draft = draftOf(catalog);
  const results: Result[] = [];
  const errors: OperationError[] = [];
  for (const [index, operation] of operations.entries()) {
    const outcome = perform(draft, operation);
    if (typeof outcome === 'string') errors.push({ OpIndex: index, What: outcome });
    else if (outcome !== undefined) results.push(outcome);
  }
  if (errors.length > 0) return { kind: 'rolled-back', errors };
  return { kind: 'applied', catalog: draft.done(), results };
}

/** The text of an error, the entry, or undefined after a delete. */
type Outcome = string | Result | undefined;

export function perform(draft: Draft, operation: Operation): Outcome {
  switch (operation.kind) {
    case 'node':
      return performNode(draft, operation.verb, operation.node);
    case 'service':
      return performService(draft, operation.verb, operation.node, operation.service);
    case 'check':
      return performCheck(draft, operation.verb, operation.check);
  }
}

function performNode(draft: Draft, verb: string, from: Definition): Outcome {
  const name = textOf(from, 'Node');
  const found = draft.peek(name)?.node;
  const place = `node ${JSON.stringify(name)}`;
  const remove = (): undefined => draft.deleteNode(name);
  return byVerb(verb, 'node', place, found, numberOf(from, 'ModifyIndex'), {
    get: (Node) => ({ Node }),
    set: () => {
      if (name === '') return 'Must provide node';
      const node = withIndexes(nodeOf(from, draft.datacenter), found, draft.index);
      if (node !== found) draft.setNode(node);
      return { Node: node };
    },
    remove,
  });
}

function performService(draft: Draft, verb: string, nodeName: string, from: Definition): Outcome {
  const rule = verb === 'get' ? undefined : brokenRule(from);
  if (rule !== undefined) return rule;
  const wanted = serviceOf(from);
  const record = draft.peek(nodeName);
  const found = record?.services.get(wanted.ID);
  const place = `service ${JSON.stringify(wanted.ID)} on node ${JSON.stringify(nodeName)}`;
  return byVerb(verb, 'service', place, found, numberOf(from, 'ModifyIndex'), {
    get: (Service) => ({ Service }),
    set: () => {
      if (record === undefined) return 'Missing node registration';
      const problem = metaProblem(wanted.Meta);
      if (problem !== undefined)
        return `Invalid Service Meta for node ${nodeName} and serviceID ${wanted.ID}: ${problem}`;
      const service = withIndexes(wanted, found, draft.index);
      if (service !== found) draft.open(nodeName)?.services.set(service.ID, service);
      return { Service: service };
    },
    remove: () => removeService(draft, nodeName, wanted.ID),
  });
}

/** With its checks; nothing when it is not there. */
export function removeService(draft: Draft, nodeName: string, id: string): undefined {
  if (draft.peek(nodeName)?.services.has(id) !== true) return;
  const record = draft.open(nodeName);
  record?.services.delete(id);
  for (const check of record?.checks.values() ?? []) {
    if (check.ServiceID === id) record?.checks.delete(check.CheckID);
  }
}

function performCheck(draft: Draft, verb: string, from: Definition): Outcome {
  const nodeName = textOf(from, 'Node');
  const record = draft.peek(nodeName);
  const service = record?.services.get(textOf(from, 'ServiceID'));
  const wanted = checkOf(from, service);
  const found = record?.checks.get(wanted.CheckID);
  const place = `check ${JSON.stringify(wanted.CheckID)} on node ${JSON.stringify(nodeName)}`;
  return byVerb(verb, 'check', place, found, numberOf(from, 'ModifyIndex'), {
    get: (Check) => ({ Check }),
    set: () => {
      if (record === undefined) return 'Missing node registration';
      if (wanted.CheckID === '')
        return 'failed health check lookup: index error: object is missing a value for this index';
      if (wanted.ServiceID !== '' && service === undefined) return 'Missing service registration';
      const check = withIndexes(wanted, found, draft.index);
      if (check !== found) draft.open(nodeName)?.checks.set(check.CheckID, check);
      return { Check: check };
    },
    remove: () => removeCheck(draft, nodeName, wanted.CheckID),
  });
}

export function removeCheck(draft: Draft, nodeName: string, id: string): undefined {
  if (draft.peek(nodeName)?.checks.has(id) === true) draft.open(nodeName)?.checks.delete(id);
}

type Actions<T> = {
  readonly get: (found: T) => Result;
  readonly set: () => string | Result;
  readonly remove: () => undefined;
};

/** A check-and-set goes through when the index is that of the entry; 0 stands for one that is not there. */
function byVerb<T extends { readonly ModifyIndex: number }>(
  verb: string,
  kind: Operation['kind'],
  place: string,
  found: T | undefined,
  index: number,
  { get, set, remove }: Actions<T>,
): Outcome {
  const isCurrent = (found?.ModifyIndex ?? 0) === index;
  switch (verb) {
    case 'get':
      return found === undefined ? `${place} doesn't exist` : get(found);
    case 'set':
      return set();
    case 'cas':
      return isCurrent ? set() : `failed to set ${place}, index is stale`;
    case 'delete':
      return remove();
    case 'delete-cas':
      return isCurrent ? remove() : `failed to delete ${place}, index is stale`;
    default:
      return `unknown ${kind} operation: ${verb}`;
  }
}

/** The entry that is there already, when it is the same: then no index moves. */
function withIndexes<T extends object>(
  wanted: T,
  found: (T & { readonly CreateIndex: number; readonly ModifyIndex: number }) | undefined,
  index: number,
): T & { readonly CreateIndex: number; readonly ModifyIndex: number } {
  const next = { ...wanted, CreateIndex: found?.CreateIndex ?? index, ModifyIndex: index };
  if (found === undefined) return next;
  return JSON.stringify({ ...next, ModifyIndex: found.ModifyIndex }) === JSON.stringify(found) ? found : next;
}
