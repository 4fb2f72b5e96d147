/** What the registration of a pod depends on beside the pod itself. */
import { asString, property } from '../../support/json.ts';
import type { InjectedPod } from './pod.ts';

/** A node of Kubernetes. */
export type MeshNode = {
  readonly name: string;
  /** The first one of type InternalIP. */
  readonly address: string | undefined;
  /** From which its pods get their addresses; the first one of two. */
  readonly podCidr: string | undefined;
};

export type MeshCluster = {
  /** Who the cluster is for Consul. */
  readonly owner: string;
  /** Undefined for one that is not known, or not yet. */
  readonly node: (name: string) => MeshNode | undefined;
};

/** Undefined for what has no name. */
export function readMeshNode(raw: unknown): MeshNode | undefined {
  const name = asString(property(property(raw, 'metadata'), 'name'));
  if (name === undefined || name === '') return undefined;
  const addresses = property(property(raw, 'status'), 'addresses');
  const internal = (Array.isArray(addresses) ? addresses : []).find(
    (each: unknown) => property(each, 'type') === 'InternalIP',
  );
  const podCidr = asString(property(property(raw, 'spec'), 'podCIDR'));
  return {
    name,
    address: asString(property(internal, 'address')) || undefined,
    podCidr: podCidr || undefined,
  };
}

/** Of the node on which the pod is: known before the kubelet has told anything of the pod. */
export function addressOfNode({ node, hostIp }: InjectedPod, cluster: MeshCluster): string | undefined {
  return node === undefined ? undefined : (cluster.node(node)?.address ?? hostIp);
}

/** Whether the sidecar of the pod listens on IPv6: by its address, and before it has one by what its node gives to pods. */
export function isIpv6({ podIp, node, hostIp }: InjectedPod, cluster: MeshCluster): boolean {
  const known = node === undefined ? undefined : cluster.node(node);
  return (podIp ?? known?.podCidr ?? known?.address ?? hostIp ?? '').includes(':');
}
