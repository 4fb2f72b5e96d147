/**
 * The state of the embedded catalog: plain readonly data, and what makes one state of another. Field names, defaults and
 * texts of errors are those of Consul 1.20.
 */

export type Texts = Readonly<Record<string, string>>;

export type CatalogNode = {
  readonly ID: string;
  readonly Node: string;
  readonly Address: string;
  readonly Datacenter: string;
  readonly TaggedAddresses: Texts | null;
  readonly Meta: Texts | null;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
};

export type Weights = { readonly Passing: number; readonly Warning: number };

export type CatalogService = {
  /** Left out for a service that is no proxy and no gateway. */
  readonly Kind?: string;
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[];
  readonly Address: string;
  readonly TaggedAddresses?: Readonly<Record<string, unknown>>;
  readonly Meta: Texts | null;
  /** Left out when it is 0. */
  readonly Port?: number;
  readonly Weights: Weights;
  readonly EnableTagOverride: boolean;
  readonly Proxy: Readonly<Record<string, unknown>>;
  readonly Connect: Readonly<Record<string, unknown>>;
  readonly PeerName: '';
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
};

export type CatalogCheck = {
  readonly Node: string;
  readonly CheckID: string;
  readonly Name: string;
  readonly Status: string;
  readonly Notes: string;
  readonly Output: string;
  readonly ServiceID: string;
  readonly ServiceName: string;
  readonly ServiceTags: readonly string[];
  readonly Type: string;
  readonly Interval: string;
  readonly Timeout: string;
  readonly ExposedPort: number;
  readonly Definition: Readonly<Record<string, unknown>>;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
};

/** A node with all that is on it, by ID. */
export type NodeRecord = {
  readonly node: CatalogNode;
  readonly services: ReadonlyMap<string, CatalogService>;
  readonly checks: ReadonlyMap<string, CatalogCheck>;
};

export type Catalog = {
  readonly datacenter: string;
  /** Moves with each change, and with nothing else. */
  readonly index: number;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  readonly entries: readonly ConfigEntry[];
};

/** As it was given, with its indexes. */
export type ConfigEntry = {
  readonly Kind: string;
  readonly Name: string;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
};

export type Instance = {
  readonly node: CatalogNode;
  readonly service: CatalogService;
  /** Those of the service and those of its node. */
  readonly checks: readonly CatalogCheck[];
};

export function emptyCatalog(datacenter: string): Catalog {
  // Consul never answers with an index of 0, which would mean to start over.
  return { datacenter, index: 1, nodes: new Map(), entries: [] };
}

/** Every instance, or those of one service, by node, then by ID, as Consul sorts them; the name in any case. */
export function instances(catalog: Catalog, name?: string): readonly Instance[] {
  const wanted = name?.toLowerCase();
  const isWanted = ({ Service }: CatalogService): boolean =>
    wanted === undefined || Service.toLowerCase() === wanted;
  return [...catalog.nodes.values()]
    .toSorted(byText(({ node }) => node.Node))
    .flatMap((record) => instancesOf(record, isWanted));
}

function instancesOf(
  { node, services, checks }: NodeRecord,
  isWanted: (service: CatalogService) => boolean,
): readonly Instance[] {
  const wanted = [...services.values()].filter(isWanted).toSorted(byText(({ ID }) => ID));
  if (wanted.length === 0) return [];
  // Grouped first: a node of a sync has as many checks as services, and each service would look at all of them.
  const groups = Map.groupBy(checks.values(), ({ ServiceID }) => ServiceID);
  const ofNode = groups.get('') ?? [];
  return wanted.map((service) => ({
    node,
    service,
    checks: [...(groups.get(service.ID) ?? []), ...ofNode],
  }));
}

/** Orders by a text, code unit by code unit, which is what Go does. */
export function byText<T>(textOf: (element: T) => string): (left: T, right: T) => number {
  return (left, right) => (textOf(left) < textOf(right) ? -1 : textOf(left) > textOf(right) ? 1 : 0);
}
