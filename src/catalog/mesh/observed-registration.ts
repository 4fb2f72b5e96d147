/** What Consul has on a synthetic node: instances with the proxy part that the catalog sync ignores. */
import { OWNER_META, SYNTHETIC_META } from '../../model/consul-names.ts';
import type { CheckEntry, NodeServices, ServiceEntry } from '../../model/consul-entries.ts';
import type { ObservedInstance } from '../../model/instance.ts';
import { observeNode, type ObservedNode } from '../../model/observed-node.ts';
import type { Proxy, VirtualAddress } from '../../model/registration.ts';
import { readProxy } from './proxy.ts';

export type ObservedRegistration = ObservedInstance & {
  readonly proxy: Proxy;
  readonly virtual?: VirtualAddress | undefined;
};

export type ObservedSyntheticNode = {
  /** Undefined when Consul does not have the node. */
  readonly node: ObservedNode | undefined;
  readonly instances: readonly ObservedRegistration[];
};

/** @param checks of the node */
export function observeSyntheticNode(
  found: NodeServices,
  checks: readonly CheckEntry[],
): ObservedSyntheticNode {
  const { node, instances } = observeNode(found, checks);
  return {
    node,
    instances: instances.map((each, index) => {
      const service = found.services[index];
      return { ...each, proxy: readProxy(service?.Proxy), virtual: virtualAddressOf(service) };
    }),
  };
}

/** Consul adds other tagged addresses by itself, which say nothing of what was registered. */
export function virtualAddressOf(service: ServiceEntry | undefined): VirtualAddress | undefined {
  const found = service?.TaggedAddresses['virtual'];
  return found && { address: found.Address, port: found.Port };
}

/** Made by the registrar of this owner: such a node is kept in step, and removed when nothing is left on it. */
export function isOwnNode(node: ObservedNode | undefined, owner: string): boolean {
  return node?.meta[SYNTHETIC_META] === 'true' && node.meta[OWNER_META] === owner;
}
