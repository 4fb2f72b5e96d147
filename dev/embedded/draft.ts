/** A change in the making: the catalog as it will be, copied where it is touched, so that the old one stays as it was. */
import type { Catalog, CatalogCheck, CatalogNode, CatalogService } from './catalog.ts';

type DraftRecord = {
  node: CatalogNode;
  readonly services: Map<string, CatalogService>;
  readonly checks: Map<string, CatalogCheck>;
};

export type Draft = {
  /** The index of what changes now. */
  readonly index: number;
  readonly datacenter: string;
  /** To read. */
  readonly peek: (node: string) => DraftRecord | undefined;
  /** To change what is on a node that is there. */
  readonly open: (node: string) => DraftRecord | undefined;
  readonly setNode: (node: CatalogNode) => void;
  readonly deleteNode: (node: string) => undefined;
  /** The old catalog itself when nothing was changed. */
  readonly done: () => Catalog;
};

export function draftOf(catalog: Catalog): Draft {
  const nodes = new Map(catalog.nodes) as Map<string, DraftRecord>;
  const copied = new Set<string>();
  let isChanged = false;

  const open = (name: string): DraftRecord | undefined => {
    const found = nodes.get(name);
    if (found === undefined) return undefined;
    isChanged = true;
    if (copied.has(name)) return found;
    copied.add(name);
    const copy = { node: found.node, services: new Map(found.services), checks: new Map(found.checks) };
    nodes.set(name, copy);
    return copy;
  };

  return {
    index: catalog.index + 1,
    datacenter: catalog.datacenter,
    peek: (name) => nodes.get(name),
    open,
    setNode: (node) => {
      const found = open(node.Node);
      if (found !== undefined) found.node = node;
      else nodes.set(node.Node, { node, services: new Map(), checks: new Map() });
      copied.add(node.Node);
      isChanged = true;
    },
    deleteNode: (name) => {
      if (nodes.delete(name)) isChanged = true;
      return undefined;
    },
    done: () => (isChanged ? { ...catalog, index: catalog.index + 1, nodes } : catalog),
  };
}
