/** What Consul has on a synthetic node: instances with the proxy part that the catalog sync does not look at. */
import { asString, property } from '../../support/json.ts';
import { indexed, OWNER_META, type ObservedInstance } from '../../model/instance.ts';
import { readObserved, type ObservedNode } from '../../model/observed-node.ts';
import { readProxy, type Proxy } from './proxy.ts';

export type ObservedRegistration = ObservedInstance & { readonly proxy: Proxy };

export type ObservedSyntheticNode = {
  /** Undefined when Consul does not have the node. */
  readonly node: ObservedNode | undefined;
  readonly instances: readonly ObservedRegistration[];
};

export const SYNTHETIC_META = 'synthetic-node';

/**
 * @param nodeServices body of `GET /v1/catalog/node-services/<node>`
 * @param nodeChecks body of `GET /v1/health/node/<node>`
 * @returns undefined when a part of the bodies is not of the form that Consul documents
 */
export function readSyntheticNode(
  nodeServices: unknown,
  nodeChecks: unknown,
): ObservedSyntheticNode | undefined {
  const observed = readObserved(nodeServices, nodeChecks);
  if (observed === undefined) return undefined;
  const services = property(nodeServices, 'Services');
  const proxies = new Map(
    (Array.isArray(services) ? services : []).map((raw: unknown) => [
      indexed(asString(property(raw, 'ID')) ?? ''),
      readProxy(property(raw, 'Proxy')),
    ]),
  );
  const proxyOf = (id: string): Proxy => proxies.get(indexed(id)) ?? readProxy(undefined);
  return {
    node: observed.node,
    instances: observed.instances.map((each) => ({ ...each, proxy: proxyOf(each.id) })),
  };
}

/** Made by the registrar of this owner: such a node is kept in step, and removed when nothing is left on it. */
export function isOwnNode(node: ObservedNode | undefined, owner: string): boolean {
  return node?.meta[SYNTHETIC_META] === 'true' && node.meta[OWNER_META] === owner;
}
