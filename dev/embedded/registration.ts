/** `PUT /v1/catalog/register` and `/v1/catalog/deregister`. */
import type { Catalog } from './catalog.ts';
import { checkFields, definition, serviceFields, textOf, type Definition } from './definition.ts';
import { draftOf } from './draft.ts';
import { brokenRule } from './service-rules.ts';
import { perform, removeCheck, removeService, type Operation } from './transaction.ts';

export type RegistrationOutcome =
  | { readonly kind: 'applied'; readonly catalog: Catalog }
  /** With Consul's reason. */
  | { readonly kind: 'refused'; readonly reason: string };

const registerFields = {
  ID: 'text',
  Node: 'text',
  Address: 'text',
  Datacenter: 'text',
  TaggedAddresses: 'map',
  NodeMeta: 'map',
  Service: 'object',
  Check: 'object',
  Checks: 'list',
  SkipNodeUpdate: 'boolean',
} as const;

const deregisterFields = {
  Node: 'text',
  Address: 'text',
  Datacenter: 'text',
  ServiceID: 'text',
  CheckID: 'text',
} as const;

/** @throws Error when the body is none that can be read */
export function register(catalog: Catalog, body: unknown): RegistrationOutcome {
  const request = definition(body, registerFields, 'RegisterRequest');
  const service =
    request['Service'] === undefined
      ? undefined
      : definition(request['Service'], serviceFields, 'NodeService');
  const checks = [request['Check'] ?? [], request['Checks'] ?? []]
    .flat()
    .map((check) => definition(check, checkFields, 'HealthCheck'));
  const node = textOf(request, 'Node');
  if (node === '') return refused('Must provide node');
  if (textOf(request, 'Address') === '' && request['SkipNodeUpdate'] !== true)
    return refused('Must provide address if SkipNodeUpdate is not set');
  const rule = service === undefined ? undefined : brokenRule(service);
  if (rule !== undefined) return refused(rule);
  return applyRegistration(catalog, request, service, checks);
}

function applyRegistration(
  catalog: Catalog,
  request: Definition,
  service: Definition | undefined,
  checks: readonly Definition[],
): RegistrationOutcome {
  const draft = draftOf(catalog);
  const node = textOf(request, 'Node');
  const keepsNode = request['SkipNodeUpdate'] === true && draft.peek(node) !== undefined;
  const { NodeMeta: meta, ID, Address, Datacenter, TaggedAddresses } = request;
  const operations: Operation[] = [
    ...(keepsNode
      ? []
      : [
          {
            kind: 'node',
            verb: 'set',
            node: { ID, Node: node, Address, Datacenter, TaggedAddresses, Meta: meta },
          } as const,
        ]),
    ...(service === undefined ? [] : [{ kind: 'service', verb: 'set', node, service } as const]),
  ];
  for (const operation of operations) {
    const outcome = perform(draft, operation);
    if (typeof outcome === 'string') return refused(`failed inserting ${operation.kind}: ${outcome}`);
  }
  for (const check of checks) {
    const problem = registerCheck(draft, node, check);
    if (problem !== undefined) return refused(problem);
  }
  return { kind: 'applied', catalog: draft.done() };
}

function registerCheck(
  draft: ReturnType<typeof draftOf>,
  node: string,
  check: Definition,
): string | undefined {
  const name = textOf(check, 'CheckID') || textOf(check, 'Name');
  const [itsNode, service] = [textOf(check, 'Node') || node, textOf(check, 'ServiceID')];
  if (itsNode !== node)
    return `Node '${itsNode}' for check '${name}' doesn't match register request node '${node}'`;
  if (service !== '' && draft.peek(node)?.services.has(service) !== true)
    return `Unknown service ID '${service}' for check ID '${name}'`;
  const outcome = perform(draft, { kind: 'check', verb: 'set', check: { ...check, Node: node } });
  return typeof outcome === 'string' ? `failed inserting check: ${outcome}` : undefined;
}

/** Of what is not there nothing is removed, and that is no error. @throws Error when the body is none that can be read */
export function deregister(catalog: Catalog, body: unknown): RegistrationOutcome {
  const request = definition(body, deregisterFields, 'DeregisterRequest');
  const [node, service, check] = ['Node', 'ServiceID', 'CheckID'].map((key) => textOf(request, key));
  if (node === undefined || node === '') return refused('Must provide node');
  const draft = draftOf(catalog);
  if (service) removeService(draft, node, service);
  else if (check) removeCheck(draft, node, check);
  else draft.deleteNode(node);
  return { kind: 'applied', catalog: draft.done() };
}

function refused(reason: string): RegistrationOutcome {
  return { kind: 'refused', reason };
}
