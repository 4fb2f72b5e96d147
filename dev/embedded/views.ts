/** What the read endpoints answer, from the state. */
import {
  byText,
  instances,
  type Catalog,
  type CatalogCheck,
  type Instance,
  type NodeRecord,
} from './catalog.ts';

/** `/v1/catalog/services`: each name with all tags of its instances. */
export function servicesView(catalog: Catalog): Readonly<Record<string, readonly string[]>> {
  const tags = new Map<string, Set<string>>();
  for (const { service } of instances(catalog)) {
    const known = tags.get(service.Service) ?? new Set();
    tags.set(service.Service, known);
    for (const tag of service.Tags) known.add(tag);
  }
  return Object.fromEntries(
    [...tags].toSorted(byText(([name]) => name)).map(([name, set]) => [name, [...set]]),
  );
}

/** `/v1/catalog/nodes` */
export function nodesView(catalog: Catalog): readonly unknown[] {
  return [...catalog.nodes.values()].map(({ node }) => node).toSorted(byText(({ Node }) => Node));
}

/** `/v1/catalog/node/<node>`: services by ID; `null` for a node that is not there. */
export function nodeView(catalog: Catalog, name: string): unknown {
  const record = catalog.nodes.get(name);
  return record === undefined
    ? null
    : { Node: record.node, Services: Object.fromEntries(record.services.entries()) };
}

/** `/v1/catalog/node-services/<node>`: services as a list, and `null` when there are none. */
export function nodeServicesView(catalog: Catalog, name: string): unknown {
  const record = catalog.nodes.get(name);
  if (record === undefined) return { Node: null, Services: null };
  const services = [...record.services.values()].toSorted(byText(({ ID }) => ID));
  return { Node: record.node, Services: services.length === 0 ? null : services };
}

/** `/v1/catalog/service/<name>`: node and service in one object. */
export function serviceView(catalog: Catalog, name: string, tags: readonly string[]): readonly unknown[] {
  return instances(catalog, name)
    .filter((instance) => hasTags(instance, tags))
    .map(({ node, service }) => ({
      ID: node.ID,
      Node: node.Node,
      Address: node.Address,
      Datacenter: node.Datacenter,
      TaggedAddresses: node.TaggedAddresses,
      NodeMeta: node.Meta,
      ServiceKind: service.Kind ?? '',
      ServiceID: service.ID,
      ServiceName: service.Service,
      ServiceTags: service.Tags,
      ServiceAddress: service.Address,
      ...(service.TaggedAddresses === undefined ? {} : { ServiceTaggedAddresses: service.TaggedAddresses }),
      ServiceWeights: service.Weights,
      ServiceMeta: service.Meta ?? {},
      ServicePort: service.Port ?? 0,
      ServiceSocketPath: '',
      ServiceEnableTagOverride: service.EnableTagOverride,
      ServiceProxy: service.Proxy,
      ServiceConnect: service.Connect,
      ServiceLocality: null,
      CreateIndex: service.CreateIndex,
      ModifyIndex: service.ModifyIndex,
    }));
}

/** `/v1/health/service/<name>`; with `isPassing`, only instances of which every check passes. */
export function serviceHealthView(
  catalog: Catalog,
  name: string,
  tags: readonly string[],
  isPassing: boolean,
): readonly unknown[] {
  return instances(catalog, name)
    .filter((instance) => hasTags(instance, tags))
    .filter(({ checks }) => !isPassing || checks.every(({ Status }) => Status === 'passing'))
    .map(({ node, service, checks }) => ({ Node: node, Service: service, Checks: checks }));
}

/** `/v1/health/node/<node>` */
export function nodeChecksView(catalog: Catalog, name: string): readonly CatalogCheck[] {
  const record = catalog.nodes.get(name);
  return record === undefined ? [] : checksOf(record);
}

/** `/v1/health/checks/<service>` */
export function serviceChecksView(catalog: Catalog, name: string): readonly CatalogCheck[] {
  return allChecks(catalog).filter(({ ServiceName }) => ServiceName.toLowerCase() === name.toLowerCase());
}

/** `/v1/health/state/<state>`, where `any` is all of them. */
export function stateChecksView(catalog: Catalog, state: string): readonly CatalogCheck[] {
  return allChecks(catalog).filter(({ Status }) => state === 'any' || Status === state);
}

function allChecks(catalog: Catalog): readonly CatalogCheck[] {
  return [...catalog.nodes.values()].toSorted(byText(({ node }) => node.Node)).flatMap(checksOf);
}

function checksOf({ checks }: NodeRecord): readonly CatalogCheck[] {
  return [...checks.values()].toSorted(byText(({ CheckID }) => CheckID));
}

function hasTags({ service }: Instance, tags: readonly string[]): boolean {
  const own = new Set(service.Tags.map((tag) => tag.toLowerCase()));
  return tags.every((tag) => own.has(tag.toLowerCase()));
}
