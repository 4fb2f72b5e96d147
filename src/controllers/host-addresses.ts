/** The nodes of Kubernetes, by name and by the addresses of their hosts. */
import type { MeshNode } from '../catalog/mesh/mesh-cluster.ts';

export type HostAddresses = {
  readonly node: (name: string) => MeshNode | undefined;
  /** The node that has, or had last, this address. */
  readonly nodeAt: (host: string) => string | undefined;
  /**
   * Whether an agent may be at this address: a node has it. The status of a pod counts only where Kubernetes has no nodes at
   * all, because otherwise whoever can write a status would decide where a token is sent.
   */
  readonly isHost: (address: string) => boolean;
  /** The status of a pod says that its node has this address. */
  readonly told: (host: string, node: string) => void;
  /** Whether anything has changed that registrations depend on. */
  readonly changed: (before: MeshNode | undefined, after: MeshNode | undefined) => boolean;
};

export function createHostAddresses(): HostAddresses {
  const nodes = new Map<string, MeshNode>();
  /** Also of nodes and pods that are gone; no more of them than there are host addresses. */
  const nodeAt = new Map<string, string>();
  let hostIps: ReadonlySet<string> | undefined;

  return {
    node: (name) => nodes.get(name),
    nodeAt: (host) => nodeAt.get(host),
    isHost: (address) => {
      hostIps ??= new Set([...nodes.values()].flatMap(hostIpsOf));
      return hostIps.has(address) || (nodes.size === 0 && nodeAt.has(address));
    },
    told: (host, node) => void nodeAt.set(host, node),
    changed: (before, after) => {
      hostIps = undefined;
      if (before !== undefined) nodes.delete(before.name);
      if (after !== undefined) nodes.set(after.name, after);
      if (after?.address !== undefined) nodeAt.set(after.address, after.name);
      return (
        before?.address !== after?.address ||
        before?.refusedAddress !== after?.refusedAddress ||
        before?.podCidr !== after?.podCidr ||
        before?.hostIps?.join() !== after?.hostIps?.join()
      );
    },
  };
}

export function hostIpsOf({ address, hostIps = [] }: MeshNode): readonly string[] {
  return address === undefined ? hostIps : [address, ...hostIps];
}
